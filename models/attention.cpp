#include "models/attention.h"

#include "engine/ops/attention.h"

namespace models {

using engine::Linear;
using engine::Tensor;

Attention::Attention(engine::Index width, engine::Index heads, bool qkv_bias)
    : heads_(heads),
      qkv_(width, 3 * width, qkv_bias ? Linear::Bias::yes : Linear::Bias::no),
      proj_(width, width) {}

Tensor Attention::forward(const Tensor& x) {
  const Tensor qkv = qkv_(x);  // [n, tokens, 3 * width]: queries, keys, values, each head by head
  return proj_(engine::attention(qkv, heads_));
}

void Attention::own_parts(engine::Parts& visit) {
  visit("qkv", qkv_);
  visit("proj", proj_);
}

}  // namespace models
