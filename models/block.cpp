#include "models/block.h"

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

Block::Block(Index width, Index heads, Index hidden, bool qkv_bias, double norm_eps)
    : norm1_(width, norm_eps), attn_(width, heads, qkv_bias), norm2_(width, norm_eps), mlp_(width, hidden) {}

Tensor Block::operator()(const Tensor& x, const DropPath& drop, Index index, Index count) {
  const Index n = x.shape()[0];
  const Tensor y = attn_.onto(x, norm1_(x), drop.factors(n, x.dtype(), index, count, 0));
  return mlp_.onto(y, norm2_(y), drop.factors(n, x.dtype(), index, count, 1));
}

Tensor Block::class_token(const Tensor& x, const DropPath& drop, Index index, Index count) {
  const Index n = x.shape()[0];
  const Tensor y = attn_.class_token_onto(x, norm1_(x), drop.factors(n, x.dtype(), index, count, 0));
  return mlp_.onto(y, norm2_(y), drop.factors(n, x.dtype(), index, count, 1));
}

void Block::parts(engine::Parts& visit) {
  visit("norm1", norm1_);
  visit("attn", attn_);
  visit("norm2", norm2_);
  visit("mlp", mlp_);
}

}  // namespace models
