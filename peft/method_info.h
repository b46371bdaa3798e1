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
  /// How its paper trains, as options of `tune` without dashes and their values; empty where none is kept.
  std::vector<std::pair<std::string, std::string>> recipe = {};
};

/// The recipe of GPS's code for VTAB-1k, with the median of its learning rates (3e-4 to 1e-2).
std::vector<std::pair<std::string, std::string>> gps_recipe();

/// Several groups of options in one list.
std::vector<OptionInfo> joined(std::initializer_list<std::vector<OptionInfo>> groups);

}  // namespace peft
