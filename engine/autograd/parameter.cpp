#include "engine/autograd/parameter.h"

namespace engine {

void Parameter::train(Selection part) const {
  part.check_fits(state_->value.shape(), "parameter");
  state_->trains = std::move(part);
  state_->form = {};
  state_->grad = {};
  ++state_->version;
}

void Parameter::observe(GradientForm form) const {
  form.check_fits(state_->value.shape(), "parameter");
  train(form.follows_selection() ? Selection::all() : Selection::none());
  state_->form = std::move(form);
}

Tensor& Parameter::writable_grad() const {
  if (state_->grad.defined() && !state_->grad.unshared()) state_->grad = state_->grad.clone();
  return state_->grad;
}

Parameter::Training Parameter::exchange(Training other) const {
  Training before{std::move(state_->trains), std::move(state_->grad), state_->version,
                  std::move(state_->form)};
  state_->trains = std::move(other.part);
  state_->grad = std::move(other.grad);
  state_->version = other.version;
  state_->form = std::move(other.form);
  return before;
}

Parameter::operator Tensor() const {
  if (!grad_enabled() || !state_->accumulates()) return state_->value.detached();
  auto node = std::make_shared<Node>();
  node->leaf = state_;
  return state_->value.with_node(std::move(node));
}

}  // namespace engine
