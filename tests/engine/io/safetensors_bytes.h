#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace engine {

/// The 8 bytes, little-endian, that give the length of a header.
inline std::string length_bytes(std::uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i) & 0xff);
  return bytes;
}

/// A safetensors file with this JSON text and `data` zero bytes after it.
inline std::string file_of(std::string_view json, std::size_t data) {
  return length_bytes(json.size()).append(json).append(data, '\0');
}

inline std::string repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace engine
