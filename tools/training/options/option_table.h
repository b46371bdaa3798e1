#pragma once

#include <span>

#include "peft/method_info.h"
#include "tools/training/options/option.h"

namespace training {

constexpr Index kMostPixels = 8192;  ///< in a side of an image, as data::check_preprocessing has it

/// The options of a command in the order in which its help and config.json have them. They are bound to
/// fields, which keep their values, the defaults, until parse() puts others in their place; the fields must
/// outlive the table.
class OptionTable {
 public:
  /// The heading of the options declared from here on.
  void group(std::string title) { group_ = std::move(title); }

  // One declaration each. `takes` stands for the value in the help.

  Option& text(std::string name, std::string& field, std::string takes, std::string help);
  /// A file or folder that is read.
  Option& input(std::string name, std::string& field, std::string takes, std::string help);
  /// A file or folder that is written.
  Option& output(std::string name, std::string& field, std::string takes, std::string help);
  /// "a,b,c".
  Option& list(std::string name, std::vector<std::string>& field, std::string takes, std::string help);
  /// May be given many times.
  Option& repeated(std::string name, std::vector<std::string>& field, std::string takes, std::string help);
  /// A field below `lowest` means that the option was not given.
  Option& integer(std::string name, Index& field, Index lowest, std::string help,
                  Index highest = 1'000'000'000);
  /// Of images, in pixels. 0 in the field means that the option was not given.
  Option& image_size(std::string name, data::ImageSize& field, std::string help, Index highest = kMostPixels);
  Option& number(std::string name, double& field, const engine::NumberRange& range, std::string help);
  Option& choice(std::string name, std::string& field, std::vector<std::string> choices, std::string help);
  Option& flag(std::string name, bool& field, std::string help);
  /// Nothing in the field means that the switch was not given.
  Option& flag(std::string name, std::optional<bool>& field, std::string help);
  /// --method, and the options of all methods, which land in `values`.
  Option& methods(std::string& method, std::map<std::string, std::string>& values);
  /// Words that belong to no option.
  void words(std::string takes, std::vector<std::string>& field, std::string help);

  /// All but those of methods.
  const std::vector<Option>& options() const { return options_; }
  /// Those that some method has, once each.
  const std::vector<Option>& method_options() const { return method_options_; }
  /// The method that is set; nothing where the table has no methods.
  const std::string* method() const { return method_; }
  const std::map<std::string, std::string>* method_values() const { return method_values_; }
  /// The option of that name, also of a method; nullptr when there is none.
  const Option* find(const std::string& name) const;

  struct Words {
    std::string takes, help;
    std::vector<std::string>* field = nullptr;  ///< nullptr: the command takes none
  };
  const Words& words() const { return words_; }

 private:
  Option& add(std::string name, std::string takes, Value value, std::string help);

  std::string group_ = "Options";
  std::vector<Option> options_, method_options_;
  std::string* method_ = nullptr;
  std::map<std::string, std::string>* method_values_ = nullptr;
  Words words_;
};

/// An option of a method as a row of a table, with that method's own text and default.
Option method_option(const peft::OptionInfo& info, std::map<std::string, std::string>& values);

}  // namespace training
