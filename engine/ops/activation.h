#pragma once

#include "engine/kernels/activation.h"
#include "engine/tensor/tensor.h"

namespace engine {

using kernels::Activation;

/// activation(x), value by value.
Tensor activate(const Tensor& x, Activation activation);
/// The exact ("erf") GELU of timm and PyTorch.
inline Tensor gelu(const Tensor& x) {
  return activate(x, Activation::gelu);
}

/// The gradient of activate(x) from that of its result: dy activation'(x), in the place of dy where nothing
/// shares its buffer.
Tensor activation_gradient(const Tensor& x, Activation activation, Tensor dy);

/// silu(g) v of x [..., 2 * width], g being the first half of a row and v the second: [..., width] (SwiGLU,
/// Shazeer 2020).
Tensor swiglu(const Tensor& x);
/// silu(gate) value, both of one shape.
Tensor swiglu(const Tensor& gate, const Tensor& value);

}  // namespace engine
