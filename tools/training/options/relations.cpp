#include "tools/training/options/relations.h"

#include <algorithm>
#include <optional>

#include "engine/base/text.h"
#include "peft/methods.h"

namespace training {
namespace {

/// The method that is set, where there is one of that name.
const peft::MethodInfo* method_of(const OptionTable& table) {
  if (!table.method()) return nullptr;
  const auto& all = peft::methods();
  const auto found = std::ranges::find(all, *table.method(), &peft::MethodInfo::name);
  return found == all.end() ? nullptr : &*found;
}

const peft::OptionInfo* find_info(const peft::MethodInfo& method, const std::string& name) {
  const auto found = std::ranges::find(method.options, name, &peft::OptionInfo::name);
  return found == method.options.end() ? nullptr : &*found;
}

/// What an option is set to; of a method, the value given or the default.
std::string setting(const OptionTable& table, const std::string& name) {
  const auto own = std::ranges::find(table.options(), name, &Option::name);
  if (own != table.options().end()) return text_value(*own);
  const peft::MethodInfo* const method = method_of(table);
  const peft::OptionInfo* const info = method ? find_info(*method, name) : nullptr;
  if (!info) return "";
  const auto given = table.method_values()->find(name);
  return given != table.method_values()->end() ? given->second : info->default_value;
}

/// Equal as texts or as numbers: 0 is 0.0.
bool same_value(const std::string& a, const std::string& b) {
  if (a == b) return true;
  try {
    return engine::parse_number(a, "") == engine::parse_number(b, "");
  } catch (const engine::Error&) {
    return false;
  }
}

std::string words_of(const peft::OptionNeed& need) {
  const std::string values = need.values.empty() ? "" : " " + engine::join(need.values, "|");
  return "--" + need.option + (need.none_of ? " other than" : "") + values;
}

std::string because(const std::string& reason) {
  return reason.empty() ? "" : ": " + reason;
}

bool is_off(const Option& option) {
  return is_switch(option) && text_value(option) == "off";
}

bool is_changed(const Option& option) {
  return field_text(option) != option.initial && !is_off(option);
}

/// With the value where that is one of few: "--keep best", "--min-lr".
std::string shown(const Option& option) {
  return "--" + option.name + (std::holds_alternative<Choice>(option.value) ? " " + text_value(option) : "");
}

void add_idle(std::vector<IdleOption>& all, const std::string& name, const std::string& given,
              const std::string& needed, const std::string& reason) {
  all.push_back({name, engine::say(given, "needs", needed + because(reason))});
}

void add_unmet(std::vector<IdleOption>& all, const OptionTable& table, const std::string& name,
               const std::string& given, const std::vector<peft::OptionNeed>& needs) {
  for (const peft::OptionNeed& need : needs)
    if (!is_met(table, need)) add_idle(all, name, given, words_of(need), need.reason);
}

}  // namespace

bool is_met(const OptionTable& table, const peft::OptionNeed& need) {
  const std::string value = setting(table, need.option);
  if (need.values.empty()) return !value.empty() && value != "off";
  return std::ranges::any_of(need.values, [&](const auto& v) { return same_value(v, value); }) !=
         need.none_of;
}

void check_values(const OptionTable& table) {
  for (const Option& option : table.options()) check_value(option);
}

std::vector<IdleOption> idle_options(const OptionTable& table) {
  std::vector<IdleOption> all;
  for (const Option& option : table.options()) {
    if (!is_changed(option)) continue;  // a default that is given changes nothing
    add_unmet(all, table, option.name, shown(option), option.needs);
    for (const Option::Condition& c : option.conditions)
      if (!c.holds()) add_idle(all, option.name, shown(option), c.words, c.reason);
  }
  const peft::MethodInfo* const method = method_of(table);
  if (!method) return all;
  for (const auto& [name, value] : *table.method_values())
    if (const peft::OptionInfo* const info = find_info(*method, name))
      add_unmet(all, table, name, "--" + name, info->needs);
  return all;
}

void check_relations(const OptionTable& table, const std::set<std::string>& given) {
  const auto is_set = [&](const Option& option) {
    return is_changed(option) || (given.contains(option.name) && !is_off(option));
  };
  for (const Option& option : table.options()) {
    for (const Option::Exclusion& e : option.excludes) {
      const Option* const other = table.find(e.option);
      engine::check(!is_set(option) || !other || !is_set(*other), "--" + option.name, "and", "--" + e.option,
                    "exclude each other" + because(e.reason));
    }
  }
  const std::vector<IdleOption> idle = idle_options(table);
  if (!idle.empty()) throw engine::Error(idle.front().complaint);
}

}  // namespace training
