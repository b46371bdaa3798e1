#pragma once

#include <functional>
#include <optional>

#include "engine/nn/layer.h"

namespace peft {

/// A place in a model where an adapter attaches.
struct Site {
  std::string name;  ///< "blocks.0.attn.qkv"
  engine::Adaptable* layer;
  std::optional<engine::Parameter> weight, bias;  ///< the layer's own, where it has them

  /// A linear layer: its weight is a matrix.
  bool linear() const { return weight && weight->value().shape().rank() == 2; }
};

/// Every adaptable part of the model outside its head, in checkpoint order.
std::vector<Site> sites(engine::Module& model);
/// Those that match one of the patterns (peft/target.h) and are linear layers. Throws an Error when
/// a pattern matches none, with the nearest names.
std::vector<Site> linear_sites(engine::Module& model, const std::vector<std::string>& patterns);

/// The layer's own parameters, without those of layers in it and of its adapter: "weight", "bias", "q_bias".
std::vector<engine::NamedParameter> own_parameters(engine::Adaptable& layer);
/// That of this name.
std::optional<engine::Parameter> own_parameter(engine::Adaptable& layer, const std::string& name);

/// The width of the tokens that go through the model or a part of it: the inputs of its first linear layer.
engine::Index width_of(engine::Module& part);

}  // namespace peft
