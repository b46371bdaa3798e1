#pragma once

#include <zlib.h>

#include <vector>

#include "tests/data/bytes.h"

namespace data {

inline std::string png_chunk(const std::string& type, const std::string& content) {
  const std::string body = type + content;
  return big_endian(static_cast<std::uint32_t>(content.size())) + body +
         big_endian(crc32_of(body.data(), body.size()));
}

inline std::string png_header(std::uint32_t width, std::uint32_t height, int bits, int colour,
                              bool interlaced = false) {
  return "\x89PNG\r\n\x1a\n" +
         png_chunk("IHDR", big_endian(width) + big_endian(height) +
                               std::string{static_cast<char>(bits), static_cast<char>(colour), '\0', '\0',
                                           static_cast<char>(interlaced)});
}

/// The zlib form of some bytes.
inline std::string zlib_of(const std::string& content) {
  std::string packed(compressBound(content.size()), '\0');
  uLongf size = packed.size();
  EXPECT_EQ(compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                      reinterpret_cast<const Bytef*>(content.data()), content.size(), 9),
            Z_OK);
  packed.resize(size);
  return packed;
}

/// A PNG whose rows come out of zlib as `raw`. `before` are chunks before the data.
inline std::string png(const std::string& header, const std::string& raw, const std::string& before = "") {
  return header + before + png_chunk("IDAT", zlib_of(raw)) + png_chunk("IEND", "");
}

/// A PNG of that image, with `before` before its data.
inline std::string png_of(const Image& image, const std::string& before = "") {
  std::string raw;
  for (Index y = 0; y < image.height; ++y)
    raw.append(1, '\0').append(reinterpret_cast<const char*>(image.row(y)),
                               static_cast<std::size_t>(image.width * 3));
  return png(
      png_header(static_cast<std::uint32_t>(image.width), static_cast<std::uint32_t>(image.height), 8, 2),
      raw, before);
}

/// Samples as PNG packs them: rows without a filter, of `bits` each, [height, width * samples a pixel].
inline std::string png_rows(const std::vector<std::vector<unsigned>>& rows, int bits) {
  std::string raw;
  for (const auto& row : rows) {
    if (row.empty()) continue;
    raw += '\0';
    unsigned collected = 0;
    int have = 0;
    for (const unsigned sample : row) {
      if (bits == 16) {
        raw += big16(sample);
        continue;
      }
      collected = collected << bits | sample;
      have += bits;
      if (have == 8) raw += static_cast<char>(collected), collected = 0, have = 0;
    }
    if (have > 0) raw += static_cast<char>(collected << (8 - have));
  }
  return raw;
}

}  // namespace data
