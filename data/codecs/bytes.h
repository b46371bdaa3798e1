#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace data {

/// Unsigned integers in the bytes of a file: `count` bytes from `at` on, which must be there.
inline std::uint32_t big_endian(std::span<const std::byte> bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::byte byte : bytes.subspan(at, count)) value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}
inline std::uint32_t little_endian(std::span<const std::byte> bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i > 0; --i)
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i - 1]);
  return value;
}

}  // namespace data
