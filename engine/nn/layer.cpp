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

namespace {

Tensor added(const Tensor& residual, const Tensor& branch, const Tensor& factors) {
  return add(residual, factors.defined() ? scale_samples(branch, factors) : branch);
}

}  // namespace

Tensor Layer::add_to(const Tensor& residual, const Tensor& x, const Tensor& factors) {
  return adapter() ? added(residual, (*this)(x), factors) : forward_add_to(residual, x, factors);
}

Tensor Layer::forward_add_to(const Tensor& residual, const Tensor& x, const Tensor& factors) {
  return added(residual, forward(x), factors);
}

}  // namespace engine
