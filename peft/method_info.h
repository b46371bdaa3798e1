#pragma once

#include <memory>

#include "peft/options.h"

namespace peft {

class Method;

/// How a paper trains: options of `tune` without dashes, and their values.
using Recipe = std::vector<std::pair<std::string, std::string>>;

/// One fine-tuning method: a row of the table in peft/methods.h. Each file of peft/methods/ that has one
/// returns it from a function, which peft/methods.def lists.
struct MethodInfo {
  std::string name;
  std::string summary;  ///< one line
  std::string page;     ///< what it does and where it comes from
  std::vector<OptionInfo> options;
  std::unique_ptr<Method> (*make)(const OptionValues& values);
  Recipe recipe = {};  ///< of its paper; empty where none is known
};

}  // namespace peft
