#include "engine/io/crc32c.h"

#include <array>

namespace engine {

namespace {

constexpr std::uint32_t kReflected = 0x82f63b78;  // the polynomial, its lowest power in the highest bit

/// The remainder of every byte.
constexpr std::array<std::uint32_t, 256> kRemainders = [] {
  std::array<std::uint32_t, 256> all{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? kReflected : 0);
    all[byte] = rest;
  }
  return all;
}();

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t rest = ~0u;
  for (const char c : bytes) rest = rest >> 8 ^ kRemainders[(rest ^ static_cast<unsigned char>(c)) & 0xff];
  return ~rest;
}

}  // namespace engine
