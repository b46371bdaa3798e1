#pragma once

#include "engine/tensor/tensor.h"

namespace engine {

/// x Phi(x) with the normal distribution's Phi: the exact ("erf") GELU of timm and PyTorch.
Tensor gelu(const Tensor& x);

/// The gradient of gelu(x) from that of its result: dy (Phi(x) + x phi(x)), in the place of dy where nothing
/// shares its buffer.
Tensor gelu_gradient(const Tensor& x, Tensor dy);

}  // namespace engine
