#pragma once

#include "peft/method_info.h"

namespace peft {

/// DoRA (Liu et al. 2024): LoRA for the directions of the weight's rows, their lengths trained apart.
MethodInfo dora();

}  // namespace peft
