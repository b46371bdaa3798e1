#include "tools/cli/option_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "peft/methods.h"

namespace cli {

using nlohmann::ordered_json;

namespace {

template <class Taken>
ordered_json values_of(const OptionTable& table, const Taken& taken) {
  ordered_json all = ordered_json::object();
  for (const Option& option : table.options()) {
    if (!taken(option)) continue;
    std::string field = option.name;
    std::ranges::replace(field, '-', '_');
    all[field] = json_value(option);
    if (option.name != "method" || !table.method()) continue;
    const std::string& method = *table.method();
    all["method_options"] =
        peft::OptionValues(method, peft::find_method(method).options, *table.method_values()).all();
  }
  return all;
}

}  // namespace

ordered_json options_json(const OptionTable& table) {
  return values_of(table, [](const Option& option) { return option.acts != Acts::call; });
}

ordered_json options_identity(const OptionTable& table) {
  return values_of(table, [](const Option& option) { return option.acts == Acts::result; });
}

}  // namespace cli
