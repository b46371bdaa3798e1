#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "data/per_side.h"
#include "engine/base/read_value.h"
#include "peft/options.h"

namespace training {

using engine::Index;

/// What an option changes, and so where its value is recorded.
enum class Acts {
  result,    ///< what the command computes: in config.json and in the identity of a run
  input,     ///< what is read: in config.json; the identity of a run has the contents instead
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
/// N, or HxW.
struct ImageSides {
  data::ImageSize* field;
  Index highest;
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
/// A switch in the place of what the checkpoint says, which counts until the switch is given.
struct OverridingSwitch {
  std::optional<bool>* field;
};
/// An option of a method, by its name without dashes. The method reads the text itself.
struct OfMethod {
  std::map<std::string, std::string>* field;
};

using Value = std::variant<Text, Path, List, Repeated, Integer, ImageSides, Number, Choice, Switch,
                           OverridingSwitch, OfMethod>;

/// One option, declared once: the parser, the help, config.json, the identity of a run, and the checks of a
/// TrainConfig are made from it.
struct Option {
  /// What must hold for the option to have an effect, beyond what another option is set to.
  struct Condition {
    std::string words;  ///< "a method that scores"
    std::function<bool()> holds;
    std::string reason;  ///< why it is idle otherwise
  };
  struct Exclusion {
    std::string option, reason;
  };

  std::string name;   ///< without dashes
  std::string takes;  ///< as help shows it: "N", "DIR", "a|b"; empty for a switch
  Value value;
  std::string help;
  std::string default_text;  ///< as help shows it
  std::string group;         ///< heading in the help
  std::string initial = {};  ///< field_text() when it was declared
  Acts acts = Acts::result;
  bool common = true;  ///< shown by --help; otherwise by --help-all only
  std::vector<peft::OptionNeed> needs = {};
  std::vector<Condition> conditions = {};
  std::vector<Exclusion> excludes = {};
  std::vector<peft::OptionNeed> result_where = {};  ///< it acts on the result where one of these is met

  // To be chained onto a declaration.
  Option& reading() { return acts = Acts::input, *this; }
  Option& handling() { return acts = Acts::handling, *this; }
  /// Acts on the result only while another option has this value.
  Option& handling_unless(std::string option, std::string at) {
    return result_where.push_back({std::move(option), {std::move(at)}}), handling();
  }
  Option& this_call() { return acts = Acts::call, *this; }
  Option& rare() { return common = false, *this; }
  /// The default in words, where the field holds an empty text or 0 until the option is given.
  Option& by_default(std::string words) { return default_text = std::move(words), *this; }
  /// Without the other option at one of the values (at any, where there are none) this one has no effect.
  Option& needing(std::string option, std::vector<std::string> values = {}, std::string reason = {}) {
    return needs.push_back({std::move(option), std::move(values), std::move(reason)}), *this;
  }
  Option& needing_that(std::string words, std::function<bool()> holds, std::string reason = {}) {
    return conditions.push_back({std::move(words), std::move(holds), std::move(reason)}), *this;
  }
  Option& excluding(std::string option, std::string reason = {}) {
    return excludes.push_back({std::move(option), std::move(reason)}), *this;
  }
};

/// True for an option that stands without a value.
bool is_switch(const Option& option);

/// Reads `text` into the option's field. Throws an Error that names the option and what it takes.
void set_value(const Option& option, const std::string& text);

/// Throws the same Error when the field holds a value that set_value() would not take, unless it is the one
/// that it was declared with. An option of a method is left to the method.
void check_value(const Option& option);

/// What is in the field, as config.json has it.
nlohmann::ordered_json json_value(const Option& option);

/// What is in the field as a text, different for different values.
std::string field_text(const Option& option);

/// What is in the field, as help shows a default; empty where there is nothing.
std::string text_value(const Option& option);

}  // namespace training
