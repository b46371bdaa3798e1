#include "models/block.h"

#include <algorithm>

#include "engine/autograd/recompute.h"
#include "engine/autograd/record.h"
#include "engine/nn/roles.h"
#include "engine/ops/attention.h"
#include "engine/tensor/random.h"

namespace models {

using engine::Index;
using engine::Random;
using engine::Tensor;

Tensor DropPath::factors(Index n, engine::Dtype dtype, Index block, Index blocks, int which) const {
  const double here = blocks > 1 ? rate * static_cast<double>(block) / static_cast<double>(blocks - 1) : rate;
  if (here == 0) return {};
  Random random(seed, Random::Use::drop_path, step, static_cast<std::uint64_t>(2 * block + which));
  std::vector<double> factors(static_cast<std::size_t>(n));
  for (double& factor : factors) factor = random.uniform() < here ? 0 : 1 / (1 - here);
  return Tensor::of<double>({n}, factors).to(dtype);
}

const std::vector<std::string>& recompute_names() {
  static const std::vector<std::string> names{"none", "mlp", "blocks"};  // as in Recompute
  return names;
}

Recompute recompute_named(std::string_view name) {
  const auto found = std::ranges::find(recompute_names(), name);
  engine::check(found != recompute_names().end(), "recompute: none, mlp or blocks, not", name);
  return static_cast<Recompute>(found - recompute_names().begin());
}

Block::Block(const VitConfig& c, Index index, const std::shared_ptr<const Geometry>& geometry)
    : index_(index),
      count_(c.depth),
      norm1_(c.width, c.norm_eps, c.norm),
      attn_(c, index, geometry),
      norm2_(c.width, c.norm_eps, c.norm),
      mlp_(c) {
  if (!c.layer_scale) return;
  ls1_.emplace(c.width);
  ls2_.emplace(c.width);
}

engine::BranchScale Block::scale(const DropPath& drop, Index n, engine::Dtype dtype, int branch) const {
  const std::optional<LayerScale>& features = branch == 0 ? ls1_ : ls2_;
  return {features ? Tensor(features->gamma) : Tensor(), drop.factors(n, dtype, index_, count_, branch)};
}

Tensor Block::operator()(const Tensor& x, const Dropped& drop, Index tokens) {
  const Index n = x.shape()[0];
  return adapted(x, [&](const Tensor& in) {
    const Tensor y =
        attn_.add_to(in, norm1_(in), scale(drop.paths, n, in.dtype(), 0), {tokens, drop.patches});
    return mlp_.add_to(y, norm2_(y), scale(drop.paths, n, in.dtype(), 1));
  });
}

void Block::own_parts(engine::Parts& visit) {
  visit("norm1", norm1_);
  visit(engine::kAttentionName, attn_);
  if (ls1_) visit("ls1", *ls1_);
  visit("norm2", norm2_);
  visit(engine::kMlpName, mlp_);
  if (ls2_) visit("ls2", *ls2_);
}

Tensor Blocks::operator()(const Tensor& x, const Dropped& drop) {
  return adapted(x, [&](const Tensor& y) { return run(y, drop, 0, std::ssize(blocks_)); });
}

Tensor Blocks::some(const Tensor& x, const Dropped& drop, Index first, Index end) {
  if (first == 0 && end == std::ssize(blocks_)) return (*this)(x, drop);
  engine::check(!adapter(), "vit: some blocks alone cannot be run where all together are adapted");
  return run(x, drop, first, end);
}

Tensor Blocks::run(Tensor x, const Dropped& drop, Index first, Index end) {
  for (Index i = first; i < end; ++i) {
    const Index tokens = i + 1 < std::ssize(blocks_) ? 0 : tokens_;
    const auto block = [this, drop, i, tokens](const Tensor& in) {
      return blocks_[static_cast<std::size_t>(i)](in, drop, tokens);
    };
    x = recompute_whole_ && engine::grad_enabled() ? engine::recompute(block, x) : block(x);
  }
  return x;
}

void Blocks::recompute(Recompute what) {
  recompute_whole_ = what == Recompute::blocks;
  const bool hidden = what == Recompute::mlp;
  for (Block& block : blocks_) block.save_hidden(hidden ? engine::Save::recompute : engine::Save::activation);
}

void Blocks::replace_bias_tables(std::vector<Tensor> tables, const VitConfig& config) {
  const Index entries = engine::RelativePositions::entries(config.down(), config.across());
  const std::size_t wanted = config.relative_bias ? blocks_.size() : 0;
  engine::check(tables.size() == wanted, "vit:", tables.size(), "tables of relative positions for", wanted,
                "blocks");
  for (const Tensor& table : tables) {
    const engine::Shape expected{entries, config.heads};
    engine::check(table.shape() == expected, "vit: a table of relative positions", table.shape(), "should be",
                  expected);
  }
  for (std::size_t i = 0; i < tables.size(); ++i)
    blocks_[i].attention().relative_bias()->value() = std::move(tables[i]);
}

void Blocks::own_parts(engine::Parts& visit) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) visit(std::to_string(i), blocks_[i]);
}

}  // namespace models
