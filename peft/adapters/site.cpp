#include "peft/adapters/site.h"

#include <algorithm>

#include "engine/base/text.h"
#include "peft/target.h"

namespace peft {

using engine::Adaptable;
using engine::Parameter;

std::optional<Parameter> own_parameter(Adaptable& layer, const std::string& name) {
  for (const auto& p : engine::parameters(layer)) {
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
    const bool hit = std::ranges::any_of(
        patterns, [&](const std::string& pattern) { return engine::glob_match(pattern, site.name); });
    if (hit) chosen.push_back(std::move(site));
  }
  for (const std::string& pattern : patterns) {
    const bool hits = std::ranges::any_of(
        names, [&](const std::string& name) { return engine::glob_match(pattern, name); });
    engine::check(hits,
                  "target '" + pattern + "' matches no linear layer" + engine::did_you_mean(pattern, names));
  }
  engine::check(!chosen.empty(), "--targets: name at least one linear layer");
  return chosen;
}

engine::Index width_of(engine::Module& part) {
  for (const auto& p : engine::parameters(part)) {
    const engine::Shape& shape = p.parameter.value().shape();
    if (shape.rank() == 2) return shape.columns();
  }
  throw engine::Error("the model has no linear layer to attach to");
}

}  // namespace peft
