#include "engine/nn/norm.h"

#include "engine/ops/normalize.h"

namespace engine {

Norm::Norm(Index width, double eps, Kind kind) : weight(Tensor::full({width}, 1)), eps_(eps) {
  if (kind == Kind::layer) bias.emplace(Tensor::zeros({width}));
}

Tensor Norm::forward(const Tensor& x) {
  return bias ? layer_norm(x, weight, *bias, eps_) : rms_norm(x, weight, eps_);
}

void Norm::own_parts(Parts& visit) {
  visit("weight", weight);
  if (bias) visit("bias", *bias);
}

}  // namespace engine
