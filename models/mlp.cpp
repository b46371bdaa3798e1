#include "models/mlp.h"

namespace models {

engine::Tensor Mlp::forward(const engine::Tensor& x) {
  return fc2_(fc1_.with_gelu(x, save_));
}

engine::Tensor Mlp::forward_add_to(const engine::Tensor& residual, const engine::Tensor& x,
                                   const engine::Tensor& factors) {
  return fc2_.add_to(residual, fc1_.with_gelu(x, save_), factors);
}

void Mlp::own_parts(engine::Parts& visit) {
  visit("fc1", fc1_);
  visit("fc2", fc2_);
}

}  // namespace models
