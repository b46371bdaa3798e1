#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "data/codecs/decode.h"
#include "tests/data/support.h"

namespace data {

inline std::string big_endian(std::uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
          static_cast<char>(v)};
}
inline std::string little_endian(std::uint32_t v) {
  const std::string big = big_endian(v);
  return {big.rbegin(), big.rend()};
}
inline std::string big16(std::uint32_t v) {
  return big_endian(v).substr(2);
}
inline std::string little16(std::uint32_t v) {
  return little_endian(v).substr(0, 2);
}

/// The image in a string of bytes, and the message of the Error it is instead.
inline Image decode(const std::string& bytes, const std::string& name = "x") {
  return decode_image(std::as_bytes(std::span(bytes)), name);
}
inline std::string error_in(const std::string& bytes, const std::string& name = "x") {
  return error_of([&] { decode(bytes, name); });
}

/// Calls `take` with every prefix of `bytes` that lacks something and with every variant that has one bit
/// flipped. It must return or throw an Error; returns how many Errors there were.
template <class Take>
int damage(const std::string& bytes, Take&& take) {
  int errors = 0;
  auto attempt = [&](const std::string& damaged) {
    try {
      take(damaged);
    } catch (const Error&) {
      ++errors;
    }
  };
  for (std::size_t size = 0; size < bytes.size(); ++size) attempt(bytes.substr(0, size));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    attempt(flipped);
  }
  return errors;
}

}  // namespace data
