#include "engine/nn/linear.h"

#include "engine/ops/linear.h"

namespace engine {

Linear::Linear(Index in, Index out, Bias with_bias) : weight(Tensor::zeros({out, in})) {
  if (with_bias == Bias::yes) bias.emplace(Tensor::zeros({out}));
}

Tensor Linear::forward(const Tensor& x) {
  return linear(x, weight, bias ? Tensor(*bias) : Tensor());
}

void Linear::own_parts(Parts& visit) {
  visit("weight", weight);
  if (bias) visit("bias", *bias);
}

}  // namespace engine
