#include "models/attention_pool.h"

#include "engine/nn/roles.h"
#include "engine/ops/attention.h"
#include "engine/ops/rearrange.h"

namespace models {

using engine::Tensor;

namespace {

/// Its network is a plain one.
VitConfig plain_mlp(VitConfig c) {
  c.mlp = MlpForm::plain;
  c.mlp_norm = false;
  c.mlp_bias = true;
  if (c.pool_hidden > 0) c.hidden = c.pool_hidden;
  return c;
}

}  // namespace

AttentionPool::AttentionPool(const VitConfig& c)
    : heads_(c.pool_heads > 0 ? c.pool_heads : c.heads),
      latent_(Tensor::zeros({1, 1, c.width})),
      q_(c.width, c.width),
      kv_(c.width, 2 * c.width),
      proj_(c.width, c.width),
      norm_(c.width, c.norm_eps, c.norm),
      mlp_(plain_mlp(c)) {}

Tensor AttentionPool::operator()(const Tensor& x) {
  const Tensor query = engine::repeat(q_(latent_), x.shape()[0]);
  const Tensor found = engine::cross_attention(query, kv_(x), heads_);  // [n, 1, width]
  const Tensor y = proj_(engine::select_token(found, 0));
  return mlp_.add_to(y, norm_(y));
}

void AttentionPool::parts(engine::Parts& visit) {
  visit("latent", latent_);
  visit("q", q_);
  visit("kv", kv_);
  visit("proj", proj_);
  visit("norm", norm_);
  visit(engine::kMlpName, mlp_);
}

}  // namespace models
