#pragma once

#include "peft/method_info.h"

namespace peft {

/// GPS (Zhang et al., CVPR 2024, arXiv 2312.10136): of every neuron, a row of a weight matrix, the k input
/// connections with the largest accumulated gradient train, and every bias but the norms'.
MethodInfo gps();

}  // namespace peft
