#pragma once

#include "peft/method_info.h"

namespace peft {

/// GRFT (arXiv 2507.00016): in every weight matrix the k rows or columns with the largest sum of squared
/// gradients train, pulled to their pre-trained values. To first order these k rows lower the loss most: a
/// gradient step on rows S lowers it by the rate times the sum over S of their squared gradients.
MethodInfo grft();

}  // namespace peft
