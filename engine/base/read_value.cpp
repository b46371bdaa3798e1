#include "engine/base/read_value.h"

#include <algorithm>

#include "engine/base/text.h"

namespace engine {

Index read_integer(const std::string& option, const std::string& text, Index lowest, Index highest) {
  const Index value = parse_integer(text, option);
  check(value >= lowest, option, "takes", lowest, "or more, not", text);
  check(value <= highest, option, "takes", highest, "or less, not", text);
  return value;
}

double read_number(const std::string& option, const std::string& text, const NumberRange& range) {
  const double value = parse_number(text, option);
  check(range.contains(value), option, "takes", std::string(range.words) + ", not", text);
  return value;
}

std::size_t read_choice(const std::string& option, const std::string& text,
                        std::span<const std::string> choices) {
  const auto found = std::ranges::find(choices, text);
  check(found != choices.end(), option, "takes", join(choices, "|") + ", not '" + text + "'");
  return static_cast<std::size_t>(found - choices.begin());
}

bool read_switch(const std::string& option, const std::string& text) {
  for (const char* on : {"on", "true", "yes", "1"})
    if (text == on) return true;
  for (const char* off : {"off", "false", "no", "0"})
    if (text == off) return false;
  throw Error(option + " takes on or off, not '" + text + "'");
}

}  // namespace engine
