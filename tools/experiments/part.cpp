#include "tools/experiments/part.h"

#include "engine/base/text.h"

namespace experiments {

std::string Part::text(const std::string& between) const {
  return std::to_string(number) + between + std::to_string(of);
}

bool Part::has(std::size_t task, std::size_t method, std::size_t methods) const {
  const auto pair = static_cast<Index>(task * methods + method);
  return (pair + pair / of) % of == number - 1;
}

Part Part::read(const std::string& text) {
  constexpr Index kMost = 1'000'000;
  const auto wanted = [&](bool right) {
    engine::check(right, "--part takes I/N, the I-th of N parts as in 2/3, not '" + text + "'");
  };
  const std::vector<std::string> pieces = engine::split(text, '/');
  wanted(pieces.size() == 2);
  Part part;
  try {
    part = {engine::parse_integer(pieces[0], "part"), engine::parse_integer(pieces[1], "part")};
  } catch (const engine::Error&) {
    wanted(false);
  }
  wanted(part.number >= 1 && part.number <= part.of && part.of <= kMost);
  return part;
}

}  // namespace experiments
