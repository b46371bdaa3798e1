#include "engine/nn/layer.h"

#include "engine/ops/arithmetic.h"

namespace engine {

void Adaptable::parts(Parts& visit) {
  own_parts(visit);
  if (adapter_) visit(adapter_->name(), *adapter_);
}

Tensor Layer::operator()(const Tensor& x) {
  return adapted(x, [this](const Tensor& in) { return forward(in); });
}

Tensor add_branch(const Tensor& residual, Tensor branch, const BranchScale& scale) {
  if (scale.features.defined()) branch = affine(branch, scale.features);
  return add(residual, scale.samples.defined() ? scale_samples(branch, scale.samples) : branch);
}

Tensor Layer::add_to(const Tensor& residual, const Tensor& x, const BranchScale& scale) {
  const bool one_by_one = adapter() || scale.features.tracked();
  return one_by_one ? add_branch(residual, (*this)(x), scale) : forward_add_to(residual, x, scale);
}

Tensor Layer::forward_add_to(const Tensor& residual, const Tensor& x, const BranchScale& scale) {
  return add_branch(residual, forward(x), scale);
}

}  // namespace engine
