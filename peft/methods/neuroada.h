#pragma once

#include "peft/method_info.h"

namespace peft {

/// NeuroAda (Zhang et al. 2025): of every neuron the k largest weights train.
MethodInfo neuroada();

}  // namespace peft
