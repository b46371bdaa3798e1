#include "peft/adapters/merge.h"

#include <algorithm>

#include "engine/base/text.h"

namespace peft {

MergedAdapters::MergedAdapters(engine::Module& model) {
  std::vector<std::string> cannot;
  for (const Site& site : sites(model)) {
    if (!site.layer->adapter()) continue;
    Merged m{.layer = site.layer, .adapter = site.layer->detach(), .before = {}};
    for (const auto& own : own_parameters(*site.layer))
      m.before.emplace_back(own.parameter, own.parameter.value().clone());
    if (!m.adapter->merge_into(*site.layer)) cannot.push_back(site.name);
    merged_.push_back(std::move(m));
  }
  if (cannot.empty()) return;
  const std::string kind(merged_.front().adapter->name());
  undo();
  throw engine::Error("what '" + kind + "' adds cannot be written into the layers (" +
                      engine::join(cannot, ", ") + "): keep base and delta");
}

void MergedAdapters::undo() {
  for (Merged& m : merged_) {
    for (auto& [parameter, value] : m.before) parameter.value() = value;
    m.layer->attach(std::move(m.adapter));
  }
  merged_.clear();
}

}  // namespace peft
