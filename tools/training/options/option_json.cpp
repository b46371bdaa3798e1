#include "tools/training/options/option_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "peft/methods.h"
#include "tools/training/options/relations.h"

namespace training {

using nlohmann::ordered_json;

namespace {

std::string field_of(const std::string& option) {
  std::string field = option;
  std::ranges::replace(field, '-', '_');
  return field;
}

template <class Taken>
ordered_json values_of(const OptionTable& table, const Taken& taken) {
  ordered_json all = ordered_json::object();
  for (const Option& option : table.options()) {
    if (!taken(option)) continue;
    all[field_of(option.name)] = json_value(option);
    if (option.name != "method" || !table.method()) continue;
    const std::string& method = *table.method();
    all["method_options"] =
        peft::OptionValues(method, peft::find_method(method).options, *table.method_values()).all();
  }
  return all;
}

/// One spelling of a value that is a number: 5e-1 and .5 are 0.5.
std::string in_one_spelling(const std::string& text) {
  try {
    return engine::shortest(engine::parse_number(text, ""));
  } catch (const engine::Error&) {
    return text;
  }
}

}  // namespace

ordered_json options_json(const OptionTable& table) {
  return values_of(table, [](const Option& option) { return option.acts != Acts::call; });
}

ordered_json options_identity(const OptionTable& table) {
  ordered_json all = values_of(table, [&](const Option& option) { return acts_on_result(table, option); });
  for (const Option& option : table.options()) {
    if (field_text(option) == option.initial) continue;
    for (const Option::Exclusion& e : option.excludes) all.erase(field_of(e.option));
  }
  if (all.contains("method_options"))
    for (auto& [name, value] : all["method_options"].items())
      value = in_one_spelling(value.get<std::string>());
  return all;
}

bool acts_on_result(const OptionTable& table, const Option& option) {
  return option.acts == Acts::result ||
         std::ranges::any_of(option.result_where,
                             [&](const peft::OptionNeed& where) { return is_met(table, where); });
}

}  // namespace training
