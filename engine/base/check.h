#pragma once

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>

namespace engine {

/// A count or a position in a tensor. Signed, so that differences and loops downwards are safe.
using Index = std::int64_t;

/// A mistake of the user or of a file: what is wrong, where, and what would be right, in one line.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The parts in one line with a single space between them.
template <class... Parts>
std::string say(const Parts&... parts) {
  std::ostringstream text;
  const char* space = "";
  ((text << space << parts, space = " "), ...);
  return text.str();
}

/// Throws an Error that reads `parts` when `ok` is false.
template <class... Parts>
void check(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]]
    throw Error(say(parts...));
}

}  // namespace engine
