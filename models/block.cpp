#include "models/block.h"

#include <algorithm>

#include "engine/autograd/recompute.h"
#include "engine/autograd/record.h"
#include "engine/nn/roles.h"
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

Block::Block(Index width, Index heads, Index hidden, bool qkv_bias, double norm_eps)
    : norm1_(width, norm_eps), attn_(width, heads, qkv_bias), norm2_(width, norm_eps), mlp_(width, hidden) {}

Tensor Block::operator()(const Tensor& x, const DropPath& drop, Index index, Index count) {
  const Index n = x.shape()[0];
  return adapted(x, [&](const Tensor& in) {
    const Tensor y = attn_.add_to(in, norm1_(in), drop.factors(n, in.dtype(), index, count, 0));
    return mlp_.add_to(y, norm2_(y), drop.factors(n, in.dtype(), index, count, 1));
  });
}

Tensor Block::class_token(const Tensor& x, const DropPath& drop, Index index, Index count) {
  const Index n = x.shape()[0];
  return adapted(x, [&](const Tensor& in) {
    const Tensor y = attn_.class_token_add_to(in, norm1_(in), drop.factors(n, in.dtype(), index, count, 0));
    return mlp_.add_to(y, norm2_(y), drop.factors(n, in.dtype(), index, count, 1));
  });
}

void Block::own_parts(engine::Parts& visit) {
  visit("norm1", norm1_);
  visit(engine::kAttentionName, attn_);
  visit("norm2", norm2_);
  visit(engine::kMlpName, mlp_);
}

Tensor Blocks::operator()(const Tensor& x, const DropPath& drop) {
  const Index count = static_cast<Index>(blocks_.size());
  return adapted(x, [&](Tensor y) {
    for (Index i = 0; i < count; ++i) {
      const auto block = [this, drop, i, count](const Tensor& in) {
        Block& b = blocks_[static_cast<std::size_t>(i)];
        // The head reads nothing but the class token.
        return i + 1 < count ? b(in, drop, i, count) : b.class_token(in, drop, i, count);
      };
      y = recompute_whole_ && engine::grad_enabled() ? engine::recompute(block, y) : block(y);
    }
    return y;
  });
}

void Blocks::recompute(Recompute what) {
  recompute_whole_ = what == Recompute::blocks;
  const bool hidden = what == Recompute::mlp;
  for (Block& block : blocks_) block.save_hidden(hidden ? engine::Save::recompute : engine::Save::activation);
}

void Blocks::own_parts(engine::Parts& visit) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) visit(std::to_string(i), blocks_[i]);
}

}  // namespace models
