#include "peft/methods.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "tools/cli/args.h"
#include "tools/cli/commands/commands.h"
#include "tools/training/usage_error.h"

namespace cli {

using nlohmann::ordered_json;

namespace {

void print_page(const peft::MethodInfo& method) {
  std::cout << method.name << ": " << method.summary << "\n\n" << method.page << '\n';
  if (!method.options.empty()) std::cout << "\nOptions:\n";
  for (const peft::OptionInfo& o : method.options) {
    const std::string left = "  --" + o.name + (o.values.empty() ? "" : " " + o.values);
    std::cout << left << std::string(left.size() < 36 ? 36 - left.size() : 1, ' ') << o.help
              << (o.default_value.empty() ? "" : " (" + o.default_value + ")") << '\n';
  }
  if (!method.recipe.empty()) std::cout << "\nRecipe of the paper, taken by tune --recipe papers:\n ";
  for (const auto& [name, value] : method.recipe) std::cout << " --" << name << ' ' << value;
  if (!method.recipe.empty()) std::cout << '\n';
}

ordered_json as_json(const peft::MethodInfo& method) {
  ordered_json options = ordered_json::object();
  for (const peft::OptionInfo& o : method.options)
    options[o.name] = {{"values", o.values}, {"default", o.default_value}, {"help", o.help}};
  ordered_json recipe = ordered_json::object();
  for (const auto& [name, value] : method.recipe) recipe[name] = value;
  return {{"name", method.name},
          {"summary", method.summary},
          {"page", method.page},
          {"options", options},
          {"recipe", recipe}};
}

}  // namespace

void run_methods(Arguments arguments) {
  std::vector<std::string> names;
  Index threads = 0;
  bool json = false;
  Args args("methods", "The methods and their options; with names, a page each.");
  args.texts("NAME", names, "methods to show a page of");
  args.integer("--threads", threads, 1, "makes no difference here", kMostThreads);
  args.flag("--json", json, "print JSON");
  if (!args.parse(arguments)) return;
  std::vector<const peft::MethodInfo*> shown;
  for (const std::string& name : names)
    shown.push_back(
        &training::as_usage([&]() -> const peft::MethodInfo& { return peft::find_method(name); }));
  if (names.empty()) {
    for (const peft::MethodInfo& method : peft::methods()) shown.push_back(&method);
  }
  if (json) {
    ordered_json all = ordered_json::array();
    for (const peft::MethodInfo* method : shown) all.push_back(as_json(*method));
    std::cout << all.dump(2) << '\n';
    return;
  }
  for (const peft::MethodInfo* method : shown) {
    if (names.empty())
      std::cout << method->name << std::string(11 - std::min<std::size_t>(10, method->name.size()), ' ')
                << method->summary << '\n';
    else
      print_page(*method);
  }
  if (names.empty()) std::cout << "\nespalier methods NAME shows a method's page and options.\n";
}

}  // namespace cli
