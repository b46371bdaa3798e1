#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/nn/layer_norm.h"
#include "models/attention.h"
#include "models/mlp.h"

namespace models {

/// Drops whole residual branches of single images while training (stochastic depth, Huang et al. 2016). The
/// rate grows evenly from 0 in the first block to `rate` in the last; kept branches are scaled by 1 / (1 -
/// rate). What is dropped depends on the seed, the step and the block alone.
struct DropPath {
  double rate = 0;
  std::uint64_t seed = 0, step = 0;

  /// What the branch of each of `n` images is multiplied with, [n]; nothing when the rate of this block is
  /// 0.
  engine::Tensor factors(engine::Index n, engine::Dtype dtype, engine::Index block, engine::Index blocks,
                         int which) const;
};

/// What is computed again in the backward pass, so that it need not be kept: less memory, more time, the
/// same bits.
enum class Recompute {
  none,    ///< but activations and norms, which cost little
  mlp,     ///< the hidden layer of every block
  blocks,  ///< blocks as a whole: only their inputs are kept
};

/// none, mlp, blocks.
const std::vector<std::string>& recompute_names();
/// By one of these names; an Error for another word.
Recompute recompute_named(std::string_view name);

/// x + attn(norm1(x)), then x + mlp(norm2(x)): the pre-norm transformer block.
class Block : public engine::Adaptable {
 public:
  Block(engine::Index width, engine::Index heads, engine::Index hidden, bool qkv_bias, double norm_eps);

  /// Block `index` of `count`, which decides the rate of `drop`. x [n, tokens, width].
  engine::Tensor operator()(const engine::Tensor& x, const DropPath& drop, engine::Index index,
                            engine::Index count);
  /// The class token alone of the same, [n, width]: what is computed for the other tokens behind the
  /// attention would not be read.
  engine::Tensor class_token(const engine::Tensor& x, const DropPath& drop, engine::Index index,
                             engine::Index count);
  void save_hidden(engine::Save save) { mlp_.save_hidden(save); }

 protected:
  void own_parts(engine::Parts& visit) override;

 private:
  engine::LayerNorm norm1_;
  Attention attn_;
  engine::LayerNorm norm2_;
  Mlp mlp_;
};

/// All blocks of a transformer, called 0, 1, ...
class Blocks : public engine::Adaptable {
 public:
  explicit Blocks(std::vector<Block> blocks) : blocks_(std::move(blocks)) {}

  /// The class token behind the last block, [n, width], of x [n, tokens, width].
  engine::Tensor operator()(const engine::Tensor& x, const DropPath& drop);
  void recompute(Recompute what);

 protected:
  void own_parts(engine::Parts& visit) override;

 private:
  std::vector<Block> blocks_;
  bool recompute_whole_ = false;
};

}  // namespace models
