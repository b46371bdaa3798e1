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
    engine::check(
        values_.contains(name), "method", method_,
        "has no option --" + name + (names.empty() ? " (it has none)" : engine::did_you_mean(name, names)));
    values_[name] = value;
  }
}

const std::string& OptionValues::text(const std::string& name) const {
  return values_.at(name);
}

bool OptionValues::on(const std::string& name) const {
  const std::string& value = text(name);
  engine::check(value == "on" || value == "off", "--" + name, "takes on or off, not '" + value + "'");
  return value == "on";
}

Index OptionValues::integer(const std::string& name, Index lowest, Index highest) const {
  const Index value = engine::parse_integer(text(name), "--" + name);
  engine::check(value >= lowest, "--" + name, "takes", lowest, "or more, not", value);
  engine::check(value <= highest, "--" + name, "takes", highest, "or less, not", value);
  return value;
}

double OptionValues::number(const std::string& name, bool (*ok)(double), std::string_view range) const {
  const double value = engine::parse_number(text(name), "--" + name);
  engine::check(ok(value), "--" + name, "takes", range, "not", value);
  return value;
}

double OptionValues::positive(const std::string& name) const {
  return number(
      name, [](double x) { return x > 0; }, "a number above 0,");
}

double OptionValues::non_negative(const std::string& name) const {
  return number(
      name, [](double x) { return x >= 0; }, "a number of 0 or more,");
}

double OptionValues::share(const std::string& name) const {
  return number(
      name, [](double x) { return x > 0 && x <= 1; }, "a share in (0, 1],");
}

std::size_t OptionValues::choice(const std::string& name, std::span<const std::string> choices) const {
  const auto found = std::ranges::find(choices, text(name));
  engine::check(found != choices.end(), "--" + name, "takes", engine::join(choices, "|"),
                "not '" + text(name) + "'");
  return static_cast<std::size_t>(found - choices.begin());
}

std::vector<std::string> OptionValues::list(const std::string& name) const {
  return engine::split(text(name), ',');
}

std::vector<OptionInfo> joined(std::initializer_list<std::vector<OptionInfo>> groups) {
  std::vector<OptionInfo> all;
  for (const auto& group : groups) all.insert(all.end(), group.begin(), group.end());
  return all;
}

}  // namespace peft
