#pragma once

#include <limits>
#include <span>
#include <string>

#include "engine/base/check.h"

namespace engine {

// The value of an option, read from its text. Every function throws an Error in one form: the option, what it
// takes, and what it was given ("--lr takes a number above 0, not -1").

/// Numbers that an option takes, and how an error names them.
struct NumberRange {
  bool (*contains)(double value);
  const char* words;
};
inline constexpr NumberRange kPositive{[](double x) { return x > 0; }, "a number above 0"};
inline constexpr NumberRange kNonNegative{[](double x) { return x >= 0; }, "a number of 0 or more"};
inline constexpr NumberRange kShare{[](double x) { return x > 0 && x <= 1; }, "a number in (0, 1]"};
inline constexpr NumberRange kShareOrNone{[](double x) { return x >= 0 && x <= 1; }, "a number in [0, 1]"};
inline constexpr NumberRange kProperShare{[](double x) { return x > 0 && x < 1; }, "a number in (0, 1)"};
inline constexpr NumberRange kBelowOne{[](double x) { return x >= 0 && x < 1; }, "a number in [0, 1)"};

/// A whole number from `lowest` to `highest`.
Index read_integer(const std::string& option, const std::string& text, Index lowest,
                   Index highest = std::numeric_limits<Index>::max());
/// A finite number in `range`.
double read_number(const std::string& option, const std::string& text, const NumberRange& range);
/// The place of the text among `choices`.
std::size_t read_choice(const std::string& option, const std::string& text,
                        std::span<const std::string> choices);
/// on, true, yes or 1; off, false, no or 0.
bool read_switch(const std::string& option, const std::string& text);

}  // namespace engine
