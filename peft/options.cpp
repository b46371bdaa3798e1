#include "peft/options.h"

#include <algorithm>

#include "engine/base/text.h"

namespace peft {

using engine::Index;

OptionValues::OptionValues(std::string method, std::span<const OptionInfo> known,
                           std::map<std::string, std::string> given, std::uint64_t seed)
    : method_(std::move(method)), seed_(seed) {
  std::vector<std::string> names;
  for (const OptionInfo& option : known) {
    values_[option.name] = option.default_value;
    names.push_back(option.name);
  }
  for (const auto& [name, value] : given) {
    engine::check(!names.empty(), "method", method_, "takes no options (got --" + name + ")");
    engine::check(values_.contains(name), "method", method_,
                  "has no option --" + name + engine::did_you_mean(name, names));
    values_[name] = value;
  }
}

const std::string& OptionValues::text(const std::string& name) const {
  return values_.at(name);
}

bool OptionValues::on(const std::string& name) const {
  return engine::read_switch("--" + name, text(name));
}

Index OptionValues::integer(const std::string& name, Index lowest, Index highest) const {
  return engine::read_integer("--" + name, text(name), lowest, highest);
}

double OptionValues::number(const std::string& name, const engine::NumberRange& range) const {
  return engine::read_number("--" + name, text(name), range);
}

double OptionValues::positive(const std::string& name) const {
  return number(name, engine::kPositive);
}

double OptionValues::non_negative(const std::string& name) const {
  return number(name, engine::kNonNegative);
}

double OptionValues::share(const std::string& name) const {
  return number(name, engine::kShare);
}

std::size_t OptionValues::choice(const std::string& name, std::span<const std::string> choices) const {
  return engine::read_choice("--" + name, text(name), choices);
}

std::vector<std::string> OptionValues::list(const std::string& name) const {
  return engine::split(text(name), ',');
}

std::vector<OptionInfo> joined(std::initializer_list<std::vector<OptionInfo>> groups) {
  std::vector<OptionInfo> all;
  for (const auto& group : groups) all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<OptionInfo> with_need(std::vector<OptionInfo> options, const OptionNeed& need,
                                  const std::vector<std::string>& names) {
  for (OptionInfo& option : options)
    if (names.empty() || std::ranges::find(names, option.name) != names.end()) option.needs.push_back(need);
  return options;
}

}  // namespace peft
