#pragma once

#include <memory>

#include "engine/nn/linear.h"
#include "engine/nn/norm.h"
#include "models/geometry.h"

namespace models {

/// One matrix for queries, keys and values; where keys have no bias, those of queries and values are
/// parameters of their own.
class JointQkv : public engine::Linear {
 public:
  JointQkv(Index width, QkvForm form);

  std::optional<engine::Parameter> q_bias, v_bias;

 protected:
  engine::Tensor bias_value() const override;
  void own_parts(engine::Parts& visit) override;
};

/// Multi-head self-attention (Vaswani et al. 2017) with a projection of its output.
/// x [n, tokens, width] to [n, tokens, width].
class Attention : public engine::Adaptable {
 public:
  /// The tokens of a pass.
  struct Tokens {
    Index queries = 0;                 ///< that are asked for, from the first on; 0: all
    engine::KeptPatches patches = {};  ///< that are there, the last tokens
  };

  /// That of block `block`.
  Attention(const VitConfig& config, Index block, std::shared_ptr<const Geometry> geometry);

  /// residual + this(x), which is multiplied by what `scale` has before it is added: [n, tokens, width], of
  /// the tokens that are asked for alone [n, queries, width], of one [n, width].
  engine::Tensor add_to(const engine::Tensor& residual, const engine::Tensor& x,
                        const engine::BranchScale& scale, const Tokens& tokens);

  /// The table of biases by relative positions [entries, heads], or nullptr.
  engine::Parameter* relative_bias() { return relative_bias_ ? &*relative_bias_ : nullptr; }

 protected:
  void own_parts(engine::Parts& visit) override;

 private:
  /// What the heads give for the tokens that are asked for, before proj.
  engine::Tensor heads_output(const engine::Tensor& x, const Tokens& tokens);

  Index block_, heads_, width_;
  std::shared_ptr<const Geometry> geometry_;
  std::optional<JointQkv> qkv_;
  std::optional<engine::Linear> q_, k_, v_;
  std::optional<engine::Parameter> relative_bias_;
  std::optional<engine::Norm> norm_;
  engine::Linear proj_;
};

/// `x` [n, tokens, width] without all but its first `count` tokens (0: `x` itself): [n, count, width], of one
/// [n, width].
engine::Tensor first_tokens(const engine::Tensor& x, Index count);

}  // namespace models
