#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/read_value.h"

namespace cli {

using engine::Index;

/// What an option changes, and so where its value is recorded.
enum class Acts {
  result,    ///< what the command computes: in config.json and in the identity of a run
  handling,  ///< how the work is carried out: in config.json only
  call,      ///< this call alone: nowhere
};

// The forms of a value, each with the field that it is put into.

struct Text {
  std::string* field;
};
/// A file or a folder.
struct Path {
  std::string* field;
  bool is_output;
};
/// Pieces between commas.
struct List {
  std::vector<std::string>* field;
};
/// One piece each time the option is given.
struct Repeated {
  std::vector<std::string>* field;
};
struct Integer {
  Index* field;
  Index lowest, highest;
};
struct Number {
  double* field;
  engine::NumberRange range;
};
struct Choice {
  std::string* field;
  std::vector<std::string> choices;
};
struct Switch {
  bool* field;
};
/// An option of a method, by its name without dashes. The method reads the text itself.
struct OfMethod {
  std::map<std::string, std::string>* field;
};

using Value = std::variant<Text, Path, List, Repeated, Integer, Number, Choice, Switch, OfMethod>;

/// One option, declared once: the parser, the help, config.json and the identity of a run are made from it.
struct Option {
  /// An option that this one needs, with one of these values; any value where there are none.
  struct Need {
    std::string option;
    std::vector<std::string> values;
  };

  std::string name;   ///< without dashes
  std::string takes;  ///< as help shows it: "N", "DIR", "a|b"; empty for a switch
  Value value;
  std::string help;
  std::string default_text;  ///< as help shows it
  std::string group;         ///< heading in the help
  Acts acts = Acts::result;
  bool common = true;  ///< shown by --help; otherwise by --help-all only
  std::vector<Need> needs = {};
  std::vector<std::string> excludes = {};

  // To be chained onto a declaration.
  Option& handling() { return acts = Acts::handling, *this; }
  Option& this_call() { return acts = Acts::call, *this; }
  Option& rare() { return common = false, *this; }
  /// The default in words, where the field holds an empty text or 0 until the option is given.
  Option& by_default(std::string words) { return default_text = std::move(words), *this; }
  Option& needing(std::string option, std::vector<std::string> values = {}) {
    return needs.push_back({std::move(option), std::move(values)}), *this;
  }
  Option& excluding(std::string option) { return excludes.push_back(std::move(option)), *this; }
};

/// True for an option that stands without a value.
bool is_switch(const Option& option);

/// Reads `text` into the option's field. Throws an Error that names the option and what it takes.
void set_value(const Option& option, const std::string& text);

/// What is in the field, as config.json has it.
nlohmann::ordered_json json_value(const Option& option);

/// What is in the field, as help shows a default; empty where there is nothing.
std::string text_value(const Option& option);

}  // namespace cli
