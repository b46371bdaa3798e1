#pragma once

#include "engine/tensor/tensor.h"

namespace engine {

/// x Phi(x) with the normal distribution's Phi: the exact ("erf") GELU of timm and PyTorch.
Tensor gelu(const Tensor& x);

}  // namespace engine
