#include "engine/nn/layer.h"

namespace engine {

Tensor Layer::operator()(const Tensor& x) {
  return adapter_ ? (*adapter_)(x, [this](const Tensor& in) { return forward(in); }) : forward(x);
}

void Layer::parts(Parts& visit) {
  own_parts(visit);
  if (adapter_) visit(adapter_->name(), *adapter_);
}

}  // namespace engine
