#include "tools/cli/given_options.h"

#include <algorithm>

namespace cli {
namespace {

bool replaces(const std::string& own, const std::string& other) {
  return own == other || own == "no-" + other || other == "no-" + own ||
         (own == "epochs" && other == "steps") || (own == "steps" && other == "epochs");
}

std::string word_of(const peft::MethodInfo& method, const std::string& name, const std::string& value) {
  const auto option = std::ranges::find(method.options, name, &peft::OptionInfo::name);
  const bool is_switch = option != method.options.end() && option->values.empty();
  if (value.empty() || (is_switch && value == "on")) return "--" + name;
  if (is_switch && value == "off") return "--no-" + name;
  return "--" + name + "=" + value;
}

}  // namespace

GivenOptions merged(const GivenOptions& common, const GivenOptions& own) {
  GivenOptions all;
  for (const auto& option : common) {
    if (std::ranges::none_of(own, [&](const auto& o) { return replaces(o.first, option.first); }))
      all.push_back(option);
  }
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

std::vector<std::string> words_of(const peft::MethodInfo& method, const GivenOptions& options) {
  std::vector<std::string> words;
  for (const auto& [name, value] : options) words.push_back(word_of(method, name, value));
  return words;
}

}  // namespace cli
