#pragma once

#include <memory>

#include "peft/options.h"

namespace peft {

class Method;

/// One fine-tuning method: a row of the table.
struct MethodInfo {
  std::string name;
  std::string summary;  ///< one line
  std::string page;     ///< what it does and where it comes from
  std::vector<OptionInfo> options;
  std::unique_ptr<Method> (*make)(const OptionValues& values);
};

/// Several groups of options in one list.
std::vector<OptionInfo> joined(std::initializer_list<std::vector<OptionInfo>> groups);

}  // namespace peft
