#pragma once

#include "peft/method_info.h"

namespace peft {

/// GreenTrainer (Huang et al. 2024): the tensors worth most within a budget of the backward pass train.
MethodInfo green();

}  // namespace peft
