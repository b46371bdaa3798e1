#include "engine/nn/layer_norm.h"

#include "engine/ops/normalize.h"

namespace engine {

LayerNorm::LayerNorm(Index width, double eps)
    : weight(Tensor::full({width}, 1)), bias(Tensor::zeros({width})), eps_(eps) {}

Tensor LayerNorm::forward(const Tensor& x) {
  return layer_norm(x, weight, bias, eps_);
}

void LayerNorm::own_parts(Parts& visit) {
  visit("weight", weight);
  visit("bias", bias);
}

}  // namespace engine
