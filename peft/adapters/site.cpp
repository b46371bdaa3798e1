#include "peft/adapters/site.h"

#include <algorithm>
#include "peft/target.h"

namespace peft {

using engine::Adaptable;
using engine::Parameter;

std::vector<engine::NamedParameter> own_parameters(Adaptable& layer) {
  std::vector<engine::NamedParameter> own = engine::parameters(layer);
  std::erase_if(own, [](const auto& p) { return p.name.find('.') != std::string::npos; });
  return own;
}

std::optional<Parameter> own_parameter(Adaptable& layer, const std::string& name) {
  for (const auto& p : own_parameters(layer)) {
    if (p.name == name) return p.parameter;
  }
  return std::nullopt;
}

std::vector<Site> sites(engine::Module& model) {
  std::vector<Site> all;
  engine::walk(
      model, [](const std::string&, Parameter&) {},
      [&](const std::string& name, engine::Module& module) {
        auto* layer = dynamic_cast<Adaptable*>(&module);
        if (!layer || engine::in_head(name)) return;
        all.push_back({name, layer, own_parameter(*layer, "weight"), own_parameter(*layer, "bias")});
      });
  return all;
}

std::vector<Site> linear_sites(engine::Module& model, const std::vector<std::string>& patterns) {
  std::vector<Site> chosen;
  std::vector<std::string> names;
  for (Site& site : sites(model)) {
    if (!site.linear()) continue;
    names.push_back(site.name);
    if (matches_target(patterns, site.name)) chosen.push_back(std::move(site));
  }
  check_targets(patterns, names, "linear layer");
  engine::check(!chosen.empty(), "--targets: name at least one linear layer");
  return chosen;
}

engine::Index width_of(engine::Module& part) {
  for (const auto& p : engine::parameters(part)) {
    const engine::Shape& shape = p.parameter.value().shape();
    if (p.name.ends_with("weight") && shape.rank() == 2) return shape.columns();
  }
  throw engine::Error("the model has no linear layer to attach to");
}

}  // namespace peft
