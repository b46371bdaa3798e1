#include "peft/account.h"

#include <algorithm>
#include <cctype>

#include "engine/base/text.h"
#include "peft/target.h"

namespace peft {
namespace {

std::string group_name(const std::string& name) {
  std::vector<std::string> parts = engine::split(name, '.');
  for (std::string& part : parts) {
    if (std::ranges::all_of(part, [](unsigned char c) { return std::isdigit(c); })) part = "*";
  }
  return engine::join(parts, ".");
}

}  // namespace

double Account::percent() const {
  return total == 0 ? 0 : 100 * static_cast<double>(trainable) / static_cast<double>(total);
}

Account account(engine::Module& model) {
  Account a;
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const std::string group = group_name(name);
    auto at = std::ranges::find(a.groups, group, &Account::Group::name);
    if (at == a.groups.end()) at = a.groups.insert(at, {.name = group});
    const engine::Index trained = parameter.trained_count(), all = parameter.value().numel();
    ++at->tensors, at->trainable += trained, at->total += all;
    a.trainable += trained, a.total += all;
    if (engine::in_head(name)) a.head += trained;
  }
  return a;
}

}  // namespace peft
