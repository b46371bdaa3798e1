#pragma once

#include "peft/method_info.h"

namespace peft {

/// SAM (Fu et al. 2023, "On the Effectiveness of Parameter-Efficient Fine-Tuning"): the largest g^2 / h, with
/// g the gradient and h the diagonal of the Hessian.
MethodInfo sam();

}  // namespace peft
