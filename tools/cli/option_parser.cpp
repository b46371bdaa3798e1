#include "tools/cli/option_parser.h"

#include <algorithm>
#include <optional>
#include <set>

#include "engine/base/text.h"
#include "tools/training/options/relations.h"

namespace cli {

using training::is_switch, training::OfMethod, training::Repeated, training::set_value, training::text_value;

namespace {

constexpr const char *kHelp = "--help", *kHelpAll = "--help-all";

/// An option as it is written: "--name" or "--name=value".
struct Written {
  const Option* option;
  bool negated = false;  ///< --no-name of a method's switch
  std::optional<std::string> value;
};

std::vector<std::string> all_names(const OptionTable& table) {
  std::vector<std::string> names{kHelp, kHelpAll};
  for (const std::vector<Option>* options : {&table.options(), &table.method_options()})
    for (const Option& option : *options) names.push_back("--" + option.name);
  return names;
}

Written read_option(const OptionTable& table, const std::string& word) {
  const std::size_t equals = word.find('=');
  const std::string dashed = word.substr(0, equals);
  Written written{.option = nullptr, .value = {}};
  if (equals != std::string::npos) written.value = word.substr(equals + 1);
  if (dashed.starts_with("--")) written.option = table.find(dashed.substr(2));
  if (!written.option && dashed.starts_with("--no-")) {
    const Option* positive = table.find(dashed.substr(5));
    if (positive && is_switch(*positive) && std::holds_alternative<OfMethod>(positive->value))
      written.option = positive, written.negated = true;
  }
  if (dashed == kHelp || dashed == kHelpAll) throw engine::Error(dashed + " takes no value");
  if (!written.option)
    throw engine::Error("unknown option '" + dashed + "'" + engine::did_you_mean(dashed, all_names(table)));
  if (written.value && written.value->empty()) throw engine::Error(dashed + " has no value behind its =");
  return written;
}

/// True for a word that is no value: a value that begins with "--" is written behind "=".
bool is_option(const std::string& word) {
  return word.starts_with("--");
}

/// Sets a switch and returns it as GivenOptions has it.
std::pair<std::string, std::string> take_switch(const Written& written) {
  const Option& option = *written.option;
  const std::string dashed = (written.negated ? "--no-" : "--") + option.name;
  const bool on = engine::read_switch(dashed, written.value.value_or("on")) != written.negated;
  set_value(option, on ? "on" : "off");
  if (on) return {option.name, ""};
  return std::holds_alternative<OfMethod>(option.value) ? std::pair("no-" + option.name, std::string())
                                                        : std::pair(option.name, std::string("off"));
}

/// The help that is asked for, wherever the word stands.
Parsed::Help help_in(std::span<const std::string> words) {
  for (const std::string& word : words) {
    if (word == "--") break;
    if (word == kHelp || word == "-h") return Parsed::Help::common;
    if (word == kHelpAll) return Parsed::Help::all;
  }
  return Parsed::Help::none;
}

/// The method in words that ask for help.
GivenOptions method_in(const OptionTable& table, std::span<const std::string> words) {
  constexpr std::string_view kMethod = "--method";
  if (!table.method()) return {};
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with("--method=")) return {{"method", words[i].substr(kMethod.size() + 1)}};
    if (words[i] == kMethod && i + 1 < words.size() && !words[i + 1].starts_with('-'))
      return {{"method", words[i + 1]}};
  }
  return {};
}

/// Refuses a switch that is given both ways.
void check_contradiction(const GivenOptions& given, const std::string& name, bool on) {
  for (const auto& [other, value] : given) {
    const bool off_before = other == "no-" + name || (other == name && value == "off");
    if ((other == name && !off_before && !on) || (off_before && on))
      throw engine::Error("--" + name + " is given both on and off");
  }
}

}  // namespace

Parsed parse(const OptionTable& table, std::span<const std::string> words) {
  Parsed parsed{.help = help_in(words), .given = {}};
  if (parsed.help != Parsed::Help::none) {
    parsed.given = method_in(table, words);
    return parsed;
  }
  std::set<std::string> seen;
  bool only_words = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (only_words || !word.starts_with("-") || word == "-") {
      if (!table.words().field) throw engine::Error("unexpected argument '" + word + "'");
      table.words().field->push_back(word);
      continue;
    }
    if (word == "--") {
      only_words = true;
      continue;
    }
    Written written = read_option(table, word);
    const Option& option = *written.option;
    if (is_switch(option)) {
      const auto taken = take_switch(written);
      check_contradiction(parsed.given, option.name, taken == std::pair(option.name, std::string()));
      parsed.given.push_back(taken);
      continue;
    }
    if (!written.value) {
      if (i + 1 == words.size() || is_option(words[i + 1]))
        throw engine::Error("--" + option.name + " needs a value: " + option.takes);
      written.value = words[++i];
    }
    if (!seen.insert(option.name).second && !std::holds_alternative<Repeated>(option.value))
      throw engine::Error("--" + option.name + " is given twice");
    set_value(option, *written.value);
    parsed.given.emplace_back(option.name, *written.value);
  }
  return parsed;
}

void check_relations(const OptionTable& table, const GivenOptions& given) {
  std::set<std::string> names;
  for (const auto& [name, value] : given) names.insert(name);
  training::check_relations(table, names);
}

}  // namespace cli
