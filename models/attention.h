#pragma once

#include "engine/nn/linear.h"

namespace models {

/// Multi-head self-attention with one projection for queries, keys and values and one for the output.
/// x [n, tokens, width] to [n, tokens, width].
class Attention : public engine::Layer {
 public:
  Attention(engine::Index width, engine::Index heads, bool qkv_bias);

  /// The class token of add_to(), [n, width].
  engine::Tensor class_token_add_to(const engine::Tensor& residual, const engine::Tensor& x,
                                    const engine::Tensor& factors);

 protected:
  engine::Tensor forward(const engine::Tensor& x) override;
  engine::Tensor forward_add_to(const engine::Tensor& residual, const engine::Tensor& x,
                                const engine::Tensor& factors) override;
  void own_parts(engine::Parts& visit) override;

 private:
  engine::Index heads_;
  engine::Linear qkv_, proj_;
};

}  // namespace models
