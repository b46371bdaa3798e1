#pragma once

#include "models/mlp.h"

namespace models {

/// Attention pooling (Zhai et al. 2023): one trained query, the latent, attends to all tokens of x [n,
/// tokens, width], and what it finds, y, is returned as y + mlp(norm(y)): [n, width].
class AttentionPool : public engine::Module {
 public:
  explicit AttentionPool(const VitConfig& config);

  engine::Tensor operator()(const engine::Tensor& x);
  void parts(engine::Parts& visit) override;

 private:
  Index heads_;
  engine::Parameter latent_;  ///< [1, 1, width]
  engine::Linear q_, kv_, proj_;
  engine::Norm norm_;
  Mlp mlp_;
};

}  // namespace models
