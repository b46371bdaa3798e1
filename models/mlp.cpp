#include "models/mlp.h"

namespace models {

using engine::Linear;
using engine::Tensor;

namespace {

Linear::Bias bias_of(const VitConfig& c) {
  return c.mlp_bias ? Linear::Bias::yes : Linear::Bias::no;
}

}  // namespace

Mlp::Mlp(const VitConfig& c) : form_(c.mlp), activation_(c.activation), fc2_(c.hidden, c.width, bias_of(c)) {
  if (form_ == MlpForm::swiglu_split) {
    fc1_g_.emplace(c.width, c.hidden, bias_of(c));
    fc1_x_.emplace(c.width, c.hidden, bias_of(c));
  } else {
    fc1_.emplace(c.width, form_ == MlpForm::swiglu ? 2 * c.hidden : c.hidden, bias_of(c));
  }
  if (c.mlp_norm) norm_.emplace(c.hidden, c.norm_eps, c.norm);
}

Tensor Mlp::hidden(const Tensor& x) {
  Tensor y;
  if (form_ == MlpForm::plain)
    y = fc1_->activated(x, activation_, save_);
  else if (form_ == MlpForm::swiglu)
    y = engine::swiglu((*fc1_)(x));
  else
    y = engine::swiglu((*fc1_g_)(x), (*fc1_x_)(x));
  return norm_ ? (*norm_)(y) : y;
}

Tensor Mlp::forward(const Tensor& x) {
  return fc2_(hidden(x));
}

Tensor Mlp::forward_add_to(const Tensor& residual, const Tensor& x, const engine::BranchScale& scale) {
  return fc2_.add_to(residual, hidden(x), scale);
}

void Mlp::own_parts(engine::Parts& visit) {
  if (fc1_) visit("fc1", *fc1_);
  if (fc1_g_) visit("fc1_g", *fc1_g_);
  if (fc1_x_) visit("fc1_x", *fc1_x_);
  if (norm_) visit("norm", *norm_);
  visit("fc2", fc2_);
}

}  // namespace models
