#include "models/block.h"

#include "engine/ops/arithmetic.h"
#include "engine/tensor/random.h"

namespace models {

using engine::Index;
using engine::Random;
using engine::Tensor;

Tensor DropPath::operator()(const Tensor& branch, Index block, Index blocks, int which) const {
  const double here = blocks > 1 ? rate * static_cast<double>(block) / static_cast<double>(blocks - 1) : rate;
  if (here == 0) return branch;
  Random random(seed, Random::Use::drop_path, step, static_cast<std::uint64_t>(2 * block + which));
  std::vector<double> factors(static_cast<std::size_t>(branch.shape()[0]));
  for (double& factor : factors) factor = random.uniform() < here ? 0 : 1 / (1 - here);
  return engine::scale_samples(branch, Tensor::of<double>({branch.shape()[0]}, factors).to(branch.dtype()));
}

Block::Block(Index width, Index heads, Index hidden, bool qkv_bias, double norm_eps)
    : norm1_(width, norm_eps), attn_(width, heads, qkv_bias), norm2_(width, norm_eps), mlp_(width, hidden) {}

Tensor Block::operator()(const Tensor& x, const DropPath& drop, Index index, Index count) {
  const Tensor y = engine::add(x, drop(attn_(norm1_(x)), index, count, 0));
  return engine::add(y, drop(mlp_(norm2_(y)), index, count, 1));
}

void Block::parts(engine::Parts& visit) {
  visit("norm1", norm1_);
  visit("attn", attn_);
  visit("norm2", norm2_);
  visit("mlp", mlp_);
}

}  // namespace models
