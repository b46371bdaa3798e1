#include "models/attention.h"

#include "engine/ops/attention.h"
#include "engine/ops/rearrange.h"

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

Tensor Attention::forward_add_to(const Tensor& residual, const Tensor& x, const Tensor& factors) {
  return proj_.add_to(residual, engine::attention(qkv_(x), heads_), factors);
}

Tensor Attention::class_token_add_to(const Tensor& residual, const Tensor& x, const Tensor& factors) {
  if (adapter()) return engine::select_token(add_to(residual, x, factors), 0);
  const Tensor token = engine::attention(qkv_(x), heads_, 1);  // [n, 1, width]
  return proj_.add_to(engine::select_token(residual, 0), engine::select_token(token, 0), factors);
}

void Attention::own_parts(engine::Parts& visit) {
  visit("qkv", qkv_);
  visit("proj", proj_);
}

}  // namespace models
