#include "peft/adapters/attaching.h"

#include <algorithm>
#include <cmath>

#include "peft/target.h"

namespace peft {

using engine::Tensor;

namespace {

/// The names of all adapters' parameters.
std::set<std::string> adapter_parameters(engine::Module& model) {
  std::set<std::string> names;
  for (const Site& site : sites(model)) {
    if (!site.layer->adapter()) continue;
    const std::string prefix = site.name + '.' + std::string(site.layer->adapter()->name()) + '.';
    for (const auto& p : engine::parameters(*site.layer->adapter())) names.insert(prefix + p.name);
  }
  return names;
}

}  // namespace

void AttachingMethod::attach(engine::Module& model, const std::set<std::string>&) {
  for (const Site& site : where(model)) {
    if (!site.layer->adapter()) site.layer->attach(make(site, model));
  }
}

void AttachingMethod::prepare(engine::Module& model, const NextLoss&) {
  attach(model);
  const std::set<std::string> added = adapter_parameters(model);
  for (const auto& [name, parameter] : engine::parameters(model)) {
    parameter.train(engine::in_head(name) || added.contains(name) ? engine::Selection::all()
                                                                  : engine::Selection::none());
  }
}

PartsByName AttachingMethod::moved(engine::Module& model) const {
  PartsByName all = trained_parts(model);
  for (const std::string& name : adapter_parameters(model))
    all.insert_or_assign(name, engine::Selection::all());
  return all;
}

Tensor uniform(const engine::Shape& shape, double bound, std::uint64_t seed, const std::string& name) {
  engine::Random random = random_of(seed, name);
  Tensor values = Tensor::uninitialized(shape);
  for (float& x : values.data<float>()) x = static_cast<float>(random.uniform(-bound, bound));
  return values;
}

Tensor kaiming_uniform(engine::Index out, engine::Index in, std::uint64_t seed, const std::string& name) {
  return uniform({out, in}, 1 / std::sqrt(static_cast<double>(in)), seed, name);
}

}  // namespace peft
