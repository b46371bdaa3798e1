#include "peft/methods.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/model_options.h"
#include "tools/cli/option_help.h"
#include "tools/training/usage_error.h"

namespace cli {

using nlohmann::ordered_json;

namespace {

void print_page(const peft::MethodInfo& method) {
  std::cout << method.name << ": " << method.summary << "\n\n" << wrapped(method.page, text_width()) << '\n';
  if (!method.options.empty()) std::cout << "\nOptions, with defaults in [brackets]:\n";
  std::map<std::string, std::string> unused;
  for (const peft::OptionInfo& o : method.options)
    std::cout << option_lines(training::method_option(o, unused), text_width());
  if (method.recipe.empty()) return;
  std::string recipe;
  for (const auto& [name, value] : method.recipe) recipe += " --" + name + ' ' + value;
  std::cout << "\nRecipe of the paper, as tune --recipe papers takes it:\n"
            << wrapped_command(recipe.substr(1), text_width()) << '\n';
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
  CommandLine line("methods", "Lists the methods; with names, shows a page of each.", "espalier methods gps");
  line.table.words("NAME", names, "method to show the page of");
  line.table.flag("json", json, "print JSON").this_call();
  declare_ignored_threads(line.table, threads);
  if (!line.parse(arguments)) return;
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
