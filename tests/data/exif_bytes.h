#pragma once

#include "tests/data/bytes.h"

namespace data {

/// A number of `size` bytes (2 or 4) in one of TIFF's byte orders.
inline std::string in_order(bool big, std::uint32_t v, int size) {
  if (size == 2) return big ? big16(v) : little16(v);
  return big ? big_endian(v) : little_endian(v);
}

/// An entry of TIFF: tag, type, count, and four bytes of value or place.
inline std::string tiff_entry(bool big, std::uint32_t tag, std::uint32_t type, std::uint32_t count,
                              const std::string& value) {
  return in_order(big, tag, 2) + in_order(big, type, 2) + in_order(big, count, 4) + value;
}

/// The content of an Exif block with these entries.
inline std::string exif_of(bool big, const std::vector<std::string>& entries) {
  std::string text = (big ? std::string("MM\0*", 4) : std::string("II*\0", 4)) + in_order(big, 8, 4) +
                     in_order(big, static_cast<std::uint32_t>(entries.size()), 2);
  for (const std::string& entry : entries) text += entry;
  return text + in_order(big, 0, 4);
}

/// With an orientation behind another tag, as cameras write it.
inline std::string exif(int orientation, bool big = true) {
  constexpr std::uint32_t kWidth = 256, kOrientation = 274, kShort = 3, kLong = 4;
  return exif_of(
      big, {tiff_entry(big, kWidth, kLong, 1, in_order(big, 4000, 4)),
            tiff_entry(big, kOrientation, kShort, 1,
                       in_order(big, static_cast<std::uint32_t>(orientation), 2) + std::string(2, '\0'))});
}

/// A JPEG with an Exif segment at its start.
inline std::string jpeg_with_exif(const std::string& jpeg, const std::string& exif) {
  const std::string content = std::string("Exif\0\0", 6) + exif;
  return jpeg.substr(0, 2) + "\xff\xe1" + big16(static_cast<std::uint32_t>(2 + content.size())) + content +
         jpeg.substr(2);
}

}  // namespace data
