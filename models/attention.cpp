#include "models/attention.h"

#include "engine/nn/roles.h"
#include "engine/ops/attention.h"
#include "engine/ops/rearrange.h"

namespace models {

using engine::BranchScale;
using engine::Linear;
using engine::Parameter;
using engine::Tensor;

namespace {

Linear::Bias bias_if(bool wanted) {
  return wanted ? Linear::Bias::yes : Linear::Bias::no;
}

}  // namespace

JointQkv::JointQkv(Index width, QkvForm form) : Linear(width, 3 * width, bias_if(form == QkvForm::joint)) {
  if (form != QkvForm::joint_with_query_value_bias) return;
  q_bias.emplace(Tensor::zeros({width}));
  v_bias.emplace(Tensor::zeros({width}));
}

Tensor JointQkv::bias_value() const {
  if (!q_bias) return Linear::bias_value();
  const Tensor q = *q_bias, none = Tensor::zeros(q.shape(), q.dtype());
  return engine::join(engine::join(q, none), *v_bias);
}

void JointQkv::own_parts(engine::Parts& visit) {
  Linear::own_parts(visit);
  if (!q_bias) return;
  visit(engine::kQueryBiasName, *q_bias);
  visit(engine::kValueBiasName, *v_bias);
}

Attention::Attention(const VitConfig& c, Index block, std::shared_ptr<const Geometry> geometry)
    : block_(block),
      heads_(c.heads),
      width_(c.width),
      geometry_(std::move(geometry)),
      proj_(c.width, c.width, bias_if(c.proj_bias)) {
  if (c.qkv == QkvForm::split) {
    q_.emplace(c.width, c.width);
    k_.emplace(c.width, c.width, Linear::Bias::no);
    v_.emplace(c.width, c.width);
  } else {
    qkv_.emplace(c.width, c.qkv);
  }
  if (c.relative_bias)
    relative_bias_.emplace(Tensor::zeros({engine::RelativePositions::entries(c.down(), c.across()), heads_}));
  if (c.attention_norm) norm_.emplace(c.width, c.norm_eps, c.norm);
}

Tensor Attention::heads_output(const Tensor& x, const Tokens& tokens) {
  const Tensor turns = geometry_->turns(block_, x.dtype());
  const auto turned = [&](Tensor in, Index columns) {
    if (!turns.defined()) return in;
    return engine::rotate(std::move(in), columns, turns, geometry_->pairs(), tokens.patches);
  };
  Tensor y;
  if (qkv_) {
    // [n, tokens, 3 * width]: queries, keys, values, each head by head
    engine::RelativePositions bias;
    if (relative_bias_) bias = {*relative_bias_, geometry_->down(), geometry_->across(), tokens.patches};
    y = engine::attention(turned((*qkv_)(x), 2 * width_), heads_, tokens.queries, bias);
  } else {
    y = engine::attention(turned((*q_)(x), width_), turned((*k_)(x), width_), (*v_)(x), heads_,
                          tokens.queries);
  }
  return norm_ ? (*norm_)(y) : y;
}

Tensor Attention::add_to(const Tensor& residual, const Tensor& x, const BranchScale& scale,
                         const Tokens& tokens) {
  const Index count = tokens.queries;
  if (!adapter())
    return proj_.add_to(first_tokens(residual, count), first_tokens(heads_output(x, tokens), count), scale);
  const auto base = [&](const Tensor& in) { return proj_(heads_output(in, {0, tokens.patches})); };
  return first_tokens(engine::add_branch(residual, adapted(x, base), scale), count);
}

void Attention::own_parts(engine::Parts& visit) {
  if (relative_bias_) visit(engine::kBiasTableName, *relative_bias_);
  if (qkv_) {
    visit(engine::kQkvName, *qkv_);
  } else {
    visit(engine::kQueryName, *q_);
    visit(engine::kKeyName, *k_);
    visit(engine::kValueName, *v_);
  }
  if (norm_) visit("norm", *norm_);
  visit("proj", proj_);
}

Tensor first_tokens(const Tensor& x, Index count) {
  if (count == 1) return engine::select_token(x, 0);
  const Index tokens = x.shape()[1];
  return count == 0 || count == tokens ? x : engine::remove_tokens(x, count, tokens - count);
}

}  // namespace models
