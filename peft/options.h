#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/base/read_value.h"

namespace peft {

/// What another option must be set to for an option to have an effect.
struct OptionNeed {
  std::string option;  ///< without the dashes
  std::vector<std::string>
      values;               ///< one of these; any value that is not empty or off, where there are none
  std::string reason = {};  ///< why it has no effect otherwise
  bool none_of = false;     ///< none of the values, instead
};

/// One option of a method, as the command line shows it.
struct OptionInfo {
  std::string name;           ///< without the dashes: "k"
  std::string values;         ///< "N", "row|column|short"; empty for a switch
  std::string default_value;  ///< the value when it is not given
  std::string help;
  std::string default_text = {};  ///< the default in words, where default_value is empty
  std::vector<OptionNeed> needs = {};
};

/// Several groups of options in one list.
std::vector<OptionInfo> joined(std::initializer_list<std::vector<OptionInfo>> groups);
/// The options, those of the given names (or all) with one need more.
std::vector<OptionInfo> with_need(std::vector<OptionInfo> options, const OptionNeed& need,
                                  const std::vector<std::string>& names = {});

/// The options of one method with the values given by the user, else the defaults. Every getter throws an
/// Error that names the option and what would be right.
class OptionValues {
 public:
  /// Throws an Error when a given name is not among `known`, with the nearest ones.
  OptionValues(std::string method, std::span<const OptionInfo> known,
               std::map<std::string, std::string> given, std::uint64_t seed = 0);

  const std::string& text(const std::string& name) const;
  bool on(const std::string& name) const;
  /// A whole number from `lowest` to `highest`.
  engine::Index integer(const std::string& name, engine::Index lowest,
                        engine::Index highest = std::numeric_limits<engine::Index>::max()) const;
  /// A number above 0; of 0 or more; in (0, 1].
  double positive(const std::string& name) const;
  double non_negative(const std::string& name) const;
  double share(const std::string& name) const;
  /// A number in another range.
  double number(const std::string& name, const engine::NumberRange& range) const;
  /// The place of the value among `choices`.
  std::size_t choice(const std::string& name, std::span<const std::string> choices) const;
  /// The pieces between commas.
  std::vector<std::string> list(const std::string& name) const;
  /// All options with their values, for files.
  const std::map<std::string, std::string>& all() const { return values_; }
  /// Of the method's random numbers.
  std::uint64_t seed() const { return seed_; }

 private:
  std::string method_;
  std::map<std::string, std::string> values_;
  std::uint64_t seed_;
};

}  // namespace peft
