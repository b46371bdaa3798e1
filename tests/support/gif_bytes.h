#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace support {

/// A gray image as a GIF with a palette of 256 grays. Its codes all have nine bits: the table is cleared
/// before it needs more.
inline std::string gif_of(int width, int height, std::span<const std::uint8_t> pixels) {
  constexpr unsigned clear = 256, end = 257, bits = 9;
  constexpr int before_clear = 250;
  const auto number = [](int value) {
    return std::string{static_cast<char>(value & 0xff), static_cast<char>(value >> 8)};
  };
  std::string codes;
  unsigned waiting = 0, count = 0;
  const auto put = [&](unsigned code) {
    waiting |= code << count;
    for (count += bits; count >= 8; count -= 8, waiting >>= 8)
      codes.push_back(static_cast<char>(waiting & 0xff));
  };
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    if (i % before_clear == 0) put(clear);
    put(pixels[i]);
  }
  put(end);
  if (count > 0) codes.push_back(static_cast<char>(waiting));
  std::string gif = "GIF89a" + number(width) + number(height) + std::string("\xf7\0\0", 3);
  for (int gray = 0; gray < 256; ++gray) gif.append(3, static_cast<char>(gray));
  gif += ',' + number(0) + number(0) + number(width) + number(height) + std::string("\0\x8", 2);
  constexpr std::size_t block = 255;
  for (std::size_t at = 0; at < codes.size(); at += block) {
    const std::string part = codes.substr(at, block);
    gif += static_cast<char>(part.size()) + part;
  }
  return gif + std::string("\0;", 2);
}

}  // namespace support
