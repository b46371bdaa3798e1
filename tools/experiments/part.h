#pragma once

#include <string>

#include "engine/base/check.h"

namespace experiments {

using engine::Index;

/// A share of a comparison that a process of its own makes, beside others on the same folder: the 2nd of 3.
struct Part {
  Index number = 1, of = 1;

  /// "2/3"; with "-of-" in place of "/" for the names of files.
  std::string text(const std::string& between = "/") const;
  /// True when the runs of this task with this method are its. Pairs are dealt out in turn, from round to
  /// round by one further, so that a method is not always dealt to the same part.
  bool has(std::size_t task, std::size_t method, std::size_t methods) const;
  /// Reads "2/3". Throws an Error for what is no part of a whole.
  static Part read(const std::string& text);
};

}  // namespace experiments
