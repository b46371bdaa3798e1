#pragma once

#include "engine/nn/linear.h"

namespace models {

/// fc2(gelu(fc1(x))): the two-layer network of a transformer block. x [..., width].
class Mlp : public engine::Layer {
 public:
  Mlp(engine::Index width, engine::Index hidden) : fc1_(width, hidden), fc2_(hidden, width) {}

  /// What of fc1(x) is held for the backward pass from now on.
  void save_hidden(engine::Save save) { save_ = save; }

 protected:
  engine::Tensor forward(const engine::Tensor& x) override;
  engine::Tensor forward_add_to(const engine::Tensor& residual, const engine::Tensor& x,
                                const engine::Tensor& factors) override;
  void own_parts(engine::Parts& visit) override;

 private:
  engine::Linear fc1_, fc2_;
  engine::Save save_ = engine::Save::activation;
};

}  // namespace models
