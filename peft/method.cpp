#include "peft/method.h"

#include "peft/target.h"

namespace peft {

using engine::NamedParameter;
using engine::Selection;

void Method::keep_gradients() {
  const Scoring* const how = scoring();
  if (how && !how->no_whole_gradient.empty())
    throw engine::Error(how->no_whole_gradient + ", so there is no whole gradient to keep");
  keep_gradients_ = true;
}

PartsByName Method::moved(engine::Module& model) const {
  return trained_parts(model);
}

void Method::restore(engine::Module& model, const PartsByName& trained, const engine::NamedTensors&) {
  std::set<std::string> names;
  for (const auto& [name, part] : trained) names.insert(name);
  attach(model, names);
  train_only(model, trained);
}

PartsByName trained_parts(engine::Module& model) {
  PartsByName parts;
  for (const NamedParameter& p : engine::parameters(model)) {
    if (p.parameter.trains().any()) parts.emplace(p.name, p.parameter.trains());
  }
  return parts;
}

void train_only(engine::Module& model, const PartsByName& parts) {
  for (const NamedParameter& p : engine::parameters(model)) {
    const auto found = parts.find(p.name);
    const Selection part = found == parts.end() ? Selection::none() : found->second;
    if (!(p.parameter.trains() == part)) p.parameter.train(part);
  }
}

void train_head_only(engine::Module& model) {
  for (const NamedParameter& p : engine::parameters(model)) {
    p.parameter.train(engine::in_head(p.name) ? Selection::all() : Selection::none());
  }
}

}  // namespace peft
