#pragma once

#include "peft/options.h"

namespace peft {

/// One fine-tuning method: a row of the table.
struct MethodInfo {
  std::string name;
  std::string summary;  ///< one line
  std::string page;     ///< what it does and where it comes from
  std::vector<OptionInfo> options;
  std::unique_ptr<Method> (*make)(const OptionValues& values);
  /// How its paper trains, as options of `tune` without dashes and their values; empty where none is kept.
  std::vector<std::pair<std::string, std::string>> recipe = {};
};

/// All methods.
const std::vector<MethodInfo>& methods();

/// The method of that name. Throws an Error with the nearest names.
const MethodInfo& find_method(const std::string& name);

/// The method with these options; throws an Error that names a wrong option or value.
std::unique_ptr<Method> make_method(const std::string& name,
                                    const std::map<std::string, std::string>& options);

}  // namespace peft
