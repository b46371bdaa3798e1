#pragma once

#include <string>
#include <string_view>
#include <vector>

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
  engine::Tensor factors(Index n, engine::Dtype dtype, Index block, Index blocks, int which) const;
};

/// What a pass of training leaves out; nothing by default, as evaluation does.
struct Dropped {
  DropPath paths = {};
  engine::KeptPatches patches = {};  ///< those that are not dropped
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

/// One factor for every feature of a residual branch (Touvron et al. 2021).
class LayerScale : public engine::Module {
 public:
  explicit LayerScale(Index width) : gamma(engine::Tensor::full({width}, 1)) {}
  void parts(engine::Parts& visit) override { visit("gamma", gamma); }

  engine::Parameter gamma;
};

/// x + attn(norm1(x)), then x + mlp(norm2(x)), each branch times its LayerScale where there is one: the
/// pre-norm transformer block.
class Block : public engine::Adaptable {
 public:
  /// Block `index` of those of `config`; the place decides the rate of DropPath.
  Block(const VitConfig& config, Index index, const std::shared_ptr<const Geometry>& geometry);

  /// x [n, tokens, width] to the first `tokens` tokens (0: all) behind the block: [n, tokens, width], of one
  /// [n, width]. What would not be read is not computed for the others.
  engine::Tensor operator()(const engine::Tensor& x, const Dropped& drop, Index tokens = 0);
  void save_hidden(engine::Save save) { mlp_.save_hidden(save); }
  Attention& attention() { return attn_; }

 protected:
  void own_parts(engine::Parts& visit) override;

 private:
  /// What branch 0 or 1 of a batch of n is multiplied by.
  engine::BranchScale scale(const DropPath& drop, Index n, engine::Dtype dtype, int branch) const;

  Index index_, count_;
  engine::Norm norm1_;
  Attention attn_;
  std::optional<LayerScale> ls1_;
  engine::Norm norm2_;
  Mlp mlp_;
  std::optional<LayerScale> ls2_;
};

/// All blocks of a transformer, called 0, 1, ...
class Blocks : public engine::Adaptable {
 public:
  /// `tokens` are those that the last block computes, from the first on; 0: all.
  explicit Blocks(std::vector<Block> blocks, Index tokens) : blocks_(std::move(blocks)), tokens_(tokens) {}

  /// x [n, any, width] behind the last block: [n, tokens, width], of one token [n, width].
  engine::Tensor operator()(const engine::Tensor& x, const Dropped& drop);
  /// x, which goes into block `first`, behind block `end` - 1; x itself where there is none between. Throws
  /// an Error where all blocks together are adapted, unless it is all of them.
  engine::Tensor some(const engine::Tensor& x, const Dropped& drop, Index first, Index end);
  void recompute(Recompute what);
  /// The blocks' tables of biases by relative positions [entries, heads] for another grid, in order; none
  /// where they have none. Throws an Error when they do not fit `config`.
  void replace_bias_tables(std::vector<engine::Tensor> tables, const VitConfig& config);

 protected:
  void own_parts(engine::Parts& visit) override;

 private:
  engine::Tensor run(engine::Tensor x, const Dropped& drop, Index first, Index end);

  std::vector<Block> blocks_;
  Index tokens_;
  bool recompute_whole_ = false;
};

}  // namespace models
