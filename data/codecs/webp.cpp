#include <webp/decode.h>

#include <algorithm>
#include <string>

#include "data/codecs/bytes.h"
#include "data/codecs/decode.h"
#include "data/codecs/decoders.h"
#include "data/codecs/exif.h"

namespace data {
namespace {

using namespace std::string_view_literals;

/// The content of the first chunk EXIF; empty without one. The chunks lie in a RIFF file: four letters, the
/// size of the content, the content, made even.
std::span<const std::byte> exif_of(std::span<const std::byte> bytes) {
  constexpr std::size_t first = 12, frame = 8;
  for (std::size_t at = first; at + frame <= bytes.size();) {
    const std::size_t size = little_endian(bytes, at + 4, 4);
    const auto content = bytes.subspan(at + frame);
    if (std::string_view(reinterpret_cast<const char*>(bytes.data() + at), 4) == "EXIF"sv)
      return content.first(std::min(size, content.size()));
    at += frame + size + size % 2;
  }
  return {};
}

}  // namespace

Image decode_webp(std::span<const std::byte> bytes, std::string_view name) {
  constexpr std::size_t riff = 8;  // bytes of "RIFF" and of the size of all that follows
  const std::string who = std::string(name) + ":", damaged = "is a damaged WebP:";
  check(bytes.size() > riff && bytes.size() - riff >= little_endian(bytes, 4, 4), who, damaged,
        "it is cut off after", bytes.size(), "bytes");
  const auto* const content = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPBitstreamFeatures features;
  check(WebPGetFeatures(content, bytes.size(), &features) == VP8_STATUS_OK, who, damaged,
        "its header makes no sense");
  check(features.has_animation == 0, who, "is an animated WebP; only still ones are read");
  check_size(name, features.width, features.height);
  check_density(name, features.width, features.height, bytes.size());
  const int orientation = exif_orientation(exif_of(bytes));
  Image image(features.width, features.height);
  const int stride = features.width * 3;  // at most kMaxSide * 3
  check(WebPDecodeRGBInto(content, bytes.size(), image.rgb.data(), image.rgb.size(), stride) != nullptr, who,
        damaged, "its pixels cannot be decoded");
  image.orientation = orientation;
  return image;
}

}  // namespace data
