#pragma once

// Every op.
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/attention.h"
#include "engine/ops/linear.h"
#include "engine/ops/loss.h"
#include "engine/ops/normalize.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/reduce.h"
#include "engine/ops/rotary.h"
