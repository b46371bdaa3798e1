#pragma once

#include "engine/nn/linear.h"

namespace models {

/// Multi-head self-attention with one projection for queries, keys and values and one for the output.
/// x [n, tokens, width] to [n, tokens, width].
class Attention : public engine::Layer {
 public:
  Attention(engine::Index width, engine::Index heads, bool qkv_bias);

 protected:
  engine::Tensor forward(const engine::Tensor& x) override;
  void own_parts(engine::Parts& visit) override;

 private:
  engine::Index heads_;
  engine::Linear qkv_, proj_;
};

}  // namespace models
