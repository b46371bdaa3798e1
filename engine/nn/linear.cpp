#include "engine/nn/linear.h"

#include "engine/ops/activation.h"

namespace engine {

Linear::Linear(Index in, Index out, Bias with_bias) : weight(Tensor::zeros({out, in})) {
  if (with_bias == Bias::yes) bias.emplace(Tensor::zeros({out}));
}

Tensor Linear::forward(const Tensor& x) {
  return linear(x, weight, bias ? Tensor(*bias) : Tensor());
}

Tensor Linear::forward_add_to(const Tensor& residual, const Tensor& x, const Tensor& factors) {
  return linear_residual(residual, x, weight, bias ? Tensor(*bias) : Tensor(), factors);
}

Tensor Linear::with_gelu(const Tensor& x, Save before) {
  return adapter() ? gelu((*this)(x)) : linear_gelu(x, weight, bias ? Tensor(*bias) : Tensor(), before);
}

void Linear::own_parts(Parts& visit) {
  visit("weight", weight);
  if (bias) visit("bias", *bias);
}

}  // namespace engine
