#include "models/mlp.h"

#include "engine/ops/activation.h"

namespace models {

engine::Tensor Mlp::forward(const engine::Tensor& x) {
  return fc2_(engine::gelu(fc1_(x)));
}

void Mlp::own_parts(engine::Parts& visit) {
  visit("fc1", fc1_);
  visit("fc2", fc2_);
}

}  // namespace models
