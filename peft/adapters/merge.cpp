#include "peft/adapters/merge.h"

#include <algorithm>

#include "engine/base/text.h"

namespace peft {

Folding::Folding(engine::Module& model) {
  std::vector<std::string> unfoldable;
  for (const Site& site : sites(model)) {
    if (!site.layer->adapter()) continue;
    Folded f{.layer = site.layer, .adapter = site.layer->detach(), .before = {}};
    for (const auto& own : {site.weight, site.bias})
      if (own) f.before.emplace_back(*own, own->value().clone());
    if (!f.adapter->fold(*site.layer)) unfoldable.push_back(site.name);
    folded_.push_back(std::move(f));
  }
  if (unfoldable.empty()) return;
  const std::string kind(folded_.front().adapter->name());
  undo();
  throw engine::Error("what '" + kind + "' adds cannot be written into the layers (" +
                      engine::join(unfoldable, ", ") + "): keep base and delta");
}

void Folding::undo() {
  for (Folded& f : folded_) {
    for (auto& [parameter, value] : f.before) parameter.value() = value;
    f.layer->attach(std::move(f.adapter));
  }
  folded_.clear();
}

}  // namespace peft
