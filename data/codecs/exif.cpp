#include "data/codecs/exif.h"

#include <iterator>
#include <optional>
#include <string_view>

#include "data/codecs/bytes.h"

namespace data {
namespace {

using Bytes = std::span<const std::byte>;
using namespace std::string_view_literals;

constexpr std::string_view kExif = "Exif\0\0"sv;
constexpr std::uint32_t kOrientation = 274;

bool starts_with(Bytes bytes, std::string_view start) {
  return bytes.size() >= start.size() &&
         std::string_view(reinterpret_cast<const char*>(bytes.data()), start.size()) == start;
}

/// TIFF's bytes in the order that its first two say.
struct Tiff {
  Bytes bytes;
  bool big;

  bool has(std::size_t at, std::size_t count) const {
    return at <= bytes.size() && count <= bytes.size() - at;
  }
  std::uint32_t number(std::size_t at, std::size_t count) const {
    return big ? big_endian(bytes, at, count) : little_endian(bytes, at, count);
  }
};

/// What a value of TIFF's type is.
struct Type {
  std::size_t size;  ///< in bytes
  bool integer;      ///< of two or four bytes
};
constexpr Type kTypes[] = {{0, false}, {1, false}, {1, false}, {2, true},  {4, true},  {8, false}, {1, false},
                           {1, false}, {2, true},  {4, true},  {8, false}, {4, false}, {8, false}};

/// The orientation that the entry at a place says, 1 where its value is none. Nothing when it has no value.
std::optional<int> orientation_at(const Tiff& tiff, std::size_t at) {
  constexpr std::size_t kInline = 4;  // values that fit stand in the entry itself
  const std::size_t type = tiff.number(at + 2, 2), count = tiff.number(at + 4, 4);
  if (type == 0 || type >= std::size(kTypes) || count == 0) return std::nullopt;
  const auto [size, integer] = kTypes[type];
  const bool is_inline = count <= kInline / size;
  const std::size_t value = is_inline ? at + 8 : tiff.number(at + 8, 4);
  if (!is_inline && !tiff.has(value, count * size)) return std::nullopt;
  const std::uint32_t orientation = integer ? tiff.number(value, size) : 1;
  return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
}

}  // namespace

int exif_orientation(Bytes exif) {
  constexpr std::size_t kHeader = 8, kEntry = 12;
  if (starts_with(exif, kExif)) exif = exif.subspan(kExif.size());
  const bool big = starts_with(exif, "MM\0*"sv);
  if ((!big && !starts_with(exif, "II*\0"sv)) || exif.size() < kHeader) return 1;
  const Tiff tiff{exif, big};
  std::size_t at = tiff.number(4, 4);
  if (!tiff.has(at, 2)) return 1;
  std::size_t entries = tiff.number(at, 2);
  for (at += 2; entries > 0 && tiff.has(at, kEntry); --entries, at += kEntry) {
    if (tiff.number(at, 2) != kOrientation) continue;
    if (const auto orientation = orientation_at(tiff, at)) return *orientation;
  }
  return 1;
}

int jpeg_orientation(Bytes jpeg) {
  constexpr std::uint32_t kEnd = 0xd9, kScan = 0xda, kApp1 = 0xe1;
  const auto stands_alone = [](std::uint32_t m) { return m <= 1 || (m >= 0xd0 && m <= 0xd8) || m == 0xff; };
  for (std::size_t at = 0; at + 1 < jpeg.size();) {
    const std::uint32_t marker = big_endian(jpeg, at + 1, 1);
    if (jpeg[at] != std::byte{0xff} || stands_alone(marker)) {
      ++at;
      continue;
    }
    if (marker == kScan || marker == kEnd || jpeg.size() - at < 4) break;
    const std::size_t length = big_endian(jpeg, at + 2, 2);  // of itself and the content
    if (length < 2 || length > jpeg.size() - at - 2) break;
    const Bytes content = jpeg.subspan(at + 4, length - 2);
    if (marker == kApp1 && starts_with(content, kExif)) return exif_orientation(content);
    at += 2 + length;
  }
  return 1;
}

}  // namespace data
