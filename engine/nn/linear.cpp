#include "engine/nn/linear.h"

#include "engine/ops/activation.h"

namespace engine {

Linear::Linear(Index in, Index out, Bias with_bias) : weight(Tensor::zeros({out, in})) {
  if (with_bias == Bias::yes) bias.emplace(Tensor::zeros({out}));
}

Tensor Linear::forward(const Tensor& x) {
  if (packed_) return packed_linear(x, *packed_, {.bias = bias_value()});
  return linear(x, weight, bias_value());
}

Tensor Linear::forward_add_to(const Tensor& residual, const Tensor& x, const BranchScale& scale) {
  if (packed_ && !scale.samples.defined())
    return packed_linear(x, *packed_, {.bias = bias_value(), .scale = scale.features, .residual = residual});
  if (packed_) return Layer::forward_add_to(residual, x, scale);
  return linear_residual(residual, x, weight, bias_value(), scale);
}

Tensor Linear::activated(const Tensor& x, Activation activation, Save before) {
  if (adapter()) return activate((*this)(x), activation);
  if (packed_) return packed_linear(x, *packed_, {.bias = bias_value(), .activation = activation});
  return linear_activate(x, weight, bias_value(), activation, before);
}

void Linear::pack_weight() {
  if (adapter() || packed_) return;
  packed_.emplace(weight.value());
  weight.value() = {};
}

void Linear::own_parts(Parts& visit) {
  visit("weight", weight);
  if (bias) visit("bias", *bias);
}

void pack_weights(Module& root) {
  walk(
      root, [](const auto&, Parameter&) {},
      [](const auto&, Module& module) {
        if (auto* layer = dynamic_cast<Linear*>(&module)) layer->pack_weight();
      });
}

}  // namespace engine
