#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "data/codecs/bytes.h"
#include "data/codecs/decoders.h"

namespace data {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kFileHeader = 14, kMasks = 54;
constexpr std::uint32_t kShortHeader = 12;                              // OS/2's, with 16-bit sizes
constexpr std::uint32_t kPlain = 0, kMasked = 3, kMaskedWithAlpha = 6;  // kinds of compression

/// The fields of a header, with every offset checked.
struct Bmp {
  Index width = 0, height = 0, bits = 0;
  bool from_top = false;
  std::size_t first = 0, stride = 0;        // of the rows: where they begin, and bytes from one to the next
  std::size_t palette = 0, entry = 0;       // where the colours are, and bytes for each
  Index colours = 0;                        // of up to 8 bits
  std::array<std::uint32_t, 3> masks = {};  // of red, green and blue in 16 and 32 bits
};

/// Reads the headers; what lies beyond the end of the file is an Error.
class Header {
 public:
  Header(Bytes bytes, std::string_view name) : bytes_(bytes), name_(name), who_(std::string(name) + ":") {
    size_ = number(14, 4);
  }

  Bmp read() const {
    const bool is_short = size_ == kShortHeader;
    check(is_short || (size_ >= 40 && size_ <= 124), who_, "is a damaged BMP: no header has", size_, "bytes");
    Bmp bmp;
    const Index height = is_short ? Index{number(20, 2)} : Index{static_cast<std::int32_t>(number(22, 4))};
    bmp.width = is_short ? Index{number(18, 2)} : Index{static_cast<std::int32_t>(number(18, 4))};
    bmp.height = height < 0 ? -height : height;
    bmp.from_top = height < 0;
    check_size(name_, bmp.width, bmp.height);
    bmp.bits = number(is_short ? 24 : 28, 2);
    constexpr std::array<Index, 6> kinds = {1, 4, 8, 16, 24, 32};
    check(std::find(kinds.begin(), kinds.end(), bmp.bits) != kinds.end(), who_, "is a BMP with", bmp.bits,
          "bits a pixel; 1, 4, 8, 16, 24 and 32 are read");
    bmp.masks = read_masks(bmp.bits, is_short ? kPlain : number(30, 4));
    bmp.first = number(10, 4);
    bmp.stride = static_cast<std::size_t>((bmp.width * bmp.bits + 31) / 32 * 4);
    bmp.palette = kFileHeader + size_;
    bmp.entry = is_short ? 3 : 4;
    check(bmp.first >= bmp.palette, who_, "is a damaged BMP: its pixels begin in its header");
    bmp.colours = static_cast<Index>((bmp.first - bmp.palette) / bmp.entry);
    check(bmp.first + bmp.stride * static_cast<std::size_t>(bmp.height) <= bytes_.size(), who_,
          "is a damaged BMP: it is cut off after", bytes_.size(), "bytes");
    return bmp;
  }

 private:
  std::uint32_t number(std::size_t at, std::size_t count) const {
    check(at + count <= bytes_.size(), who_, "is a damaged BMP: it is cut off in its header");
    return little_endian(bytes_, at, count);
  }

  std::array<std::uint32_t, 3> read_masks(Index bits, std::uint32_t compression) const {
    const bool masked = compression == kMasked || compression == kMaskedWithAlpha;
    check(compression == kPlain || (masked && (bits == 16 || bits == 32)), who_, "is a BMP of", bits,
          "bits with compression", std::to_string(compression) + "; only plain ones are read");
    if (!masked && bits == 16) return {0x7c00, 0x3e0, 0x1f};
    if (!masked) return {0xff0000, 0xff00, 0xff};
    const std::array<std::uint32_t, 3> masks = {number(kMasks, 4), number(kMasks + 4, 4),
                                                number(kMasks + 8, 4)};
    for (const std::uint32_t mask : masks) {
      const std::uint64_t top = std::uint64_t{mask >> (std::countr_zero(mask) & 31)} + 1;
      check(mask != 0 && std::has_single_bit(top) && (bits == 32 || mask < 0x10000), who_,
            "is a damaged BMP: a colour's mask is", mask);
    }
    return masks;
  }

  Bytes bytes_;
  std::string_view name_;
  std::string who_;
  std::uint32_t size_;
};

void read_paletted(Bytes bytes, const Bmp& bmp, Bytes row, std::uint8_t* rgb, const std::string& who) {
  const Index per_byte = 8 / bmp.bits;
  for (Index x = 0; x < bmp.width; ++x, rgb += 3) {
    const auto pixels = std::to_integer<std::uint32_t>(row[static_cast<std::size_t>(x / per_byte)]);
    const Index colour = pixels >> ((per_byte - 1 - x % per_byte) * bmp.bits) & ((1u << bmp.bits) - 1);
    check(colour < bmp.colours, who, "is a damaged BMP: a pixel has colour", colour, "of a palette of",
          bmp.colours);
    const Bytes entry = bytes.subspan(bmp.palette + static_cast<std::size_t>(colour) * bmp.entry, 3);
    for (std::size_t c = 0; c < 3; ++c) rgb[c] = std::to_integer<std::uint8_t>(entry[2 - c]);
  }
}

void read_plain(const Bmp& bmp, Bytes row, std::uint8_t* rgb) {
  for (std::size_t at = 0; at < static_cast<std::size_t>(bmp.width) * 3; at += 3)
    for (std::size_t c = 0; c < 3; ++c) rgb[at + c] = std::to_integer<std::uint8_t>(row[at + 2 - c]);
}

void read_masked(const Bmp& bmp, Bytes row, std::uint8_t* rgb) {
  const auto size = static_cast<std::size_t>(bmp.bits / 8);
  for (std::size_t x = 0; x < static_cast<std::size_t>(bmp.width); ++x, rgb += 3) {
    const std::uint32_t pixel = little_endian(row, x * size, size);
    for (std::size_t c = 0; c < 3; ++c) {
      const int shift = std::countr_zero(bmp.masks[c]);
      const std::uint64_t value = (pixel & bmp.masks[c]) >> shift, largest = bmp.masks[c] >> shift;
      rgb[c] = static_cast<std::uint8_t>(value * 255 / largest);
    }
  }
}

}  // namespace

Image decode_bmp(Bytes bytes, std::string_view name) {
  const Bmp bmp = Header(bytes, name).read();
  const std::string who = std::string(name) + ":";
  Image image(bmp.width, bmp.height);
  for (Index y = 0; y < bmp.height; ++y) {
    const Bytes row = bytes.subspan(bmp.first + static_cast<std::size_t>(y) * bmp.stride, bmp.stride);
    std::uint8_t* rgb = image.row(bmp.from_top ? y : bmp.height - 1 - y);
    if (bmp.bits <= 8)
      read_paletted(bytes, bmp, row, rgb, who);
    else if (bmp.bits == 24)
      read_plain(bmp, row, rgb);
    else
      read_masked(bmp, row, rgb);
  }
  return image;
}

}  // namespace data
