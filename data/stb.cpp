// PNG and BMP through stb_image. Its JPEG, GIF and PNM code is left out: it is not safe on hostile files in
// the versions that distributions ship. What stb does not notice (cut-off files, wrong checksums, absurd
// sizes) is checked here first.

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>

#include "data/decoders.h"

namespace {

/// The largest block stb may take on this thread; a compressed bomb asks for more and fails.
thread_local std::size_t stb_block_limit = 0;

void* stb_allocate(std::size_t size) {
  return size <= stb_block_limit ? std::malloc(size) : nullptr;
}
void* stb_reallocate(void* block, std::size_t size) {
  return size <= stb_block_limit ? std::realloc(block, size) : nullptr;
}

}  // namespace

#define STBI_MALLOC(size) stb_allocate(size)
#define STBI_REALLOC(block, size) stb_reallocate(block, size)
#define STBI_FREE(block) std::free(block)
#define STBI_ASSERT(x) static_cast<void>(0)
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_FAILURE_USERMSG
#define STBI_MAX_DIMENSIONS (1 << 26)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

namespace data {
namespace {

using Bytes = std::span<const std::byte>;

std::uint32_t byte_at(Bytes bytes, std::size_t at) {
  return std::to_integer<std::uint32_t>(bytes[at]);
}
std::uint32_t big_endian(Bytes bytes, std::size_t at) {
  return byte_at(bytes, at) << 24 | byte_at(bytes, at + 1) << 16 | byte_at(bytes, at + 2) << 8 |
         byte_at(bytes, at + 3);
}
std::uint32_t little_endian(Bytes bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | byte_at(bytes, at + static_cast<std::size_t>(i));
  return value;
}

Image decode(Bytes bytes, std::string_view name, std::string_view format, Index width, Index height) {
  constexpr std::size_t slack = 1 << 20;
  constexpr std::size_t largest_pixel = 8;  // 16-bit RGBA
  stb_block_limit = static_cast<std::size_t>(width * height) * largest_pixel +
                    static_cast<std::size_t>(height) + 2 * bytes.size() + slack;
  int w = 0, h = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()),
                            &w, &h, &channels, 3),
      stbi_image_free);
  check(pixels != nullptr, std::string(name) + ":", "is a damaged or unusual", format,
        "file:", stbi_failure_reason());
  check(w == width && h == height, std::string(name) + ":", "is a damaged", format,
        "file: its size is unclear");
  Image image(width, height);
  std::copy_n(pixels.get(), image.rgb.size(), image.rgb.data());
  return image;
}

}  // namespace

Image decode_png(Bytes bytes, std::string_view name) {
  constexpr std::size_t signature = 8, frame = 12;  // a chunk: length, type, content, checksum
  constexpr std::uint32_t ihdr = 0x49484452, iend = 0x49454e44;
  const std::string who = std::string(name) + ":";
  check(bytes.size() >= signature + frame + 13 && big_endian(bytes, 12) == ihdr, who,
        "is a damaged PNG: it has no header");
  const Index width = big_endian(bytes, 16), height = big_endian(bytes, 20);
  check_size(name, width, height);

  std::uint32_t type = 0;
  for (std::size_t at = signature; type != iend;) {
    check(bytes.size() - at >= frame, who, "is a damaged PNG: it is cut off after", bytes.size(), "bytes");
    const std::size_t length = big_endian(bytes, at);
    check(length <= bytes.size() - at - frame, who, "is a damaged PNG: it is cut off after", bytes.size(),
          "bytes");
    type = big_endian(bytes, at + 4);
    const auto* content = reinterpret_cast<const Bytef*>(bytes.data() + at + 4);
    check(crc32_z(0, content, length + 4) == big_endian(bytes, at + 8 + length), who,
          "is a damaged PNG: a checksum is wrong at byte", at);
    at += frame + length;
  }
  return decode(bytes, name, "PNG", width, height);
}

Image decode_bmp(Bytes bytes, std::string_view name) {
  constexpr std::uint32_t short_header = 12;  // OS/2's, with 16-bit sizes
  const std::string who = std::string(name) + ":";
  check(bytes.size() >= 34, who, "is a damaged BMP: it has no header");
  const bool is_short = little_endian(bytes, 14, 4) == short_header;
  const Index width = is_short ? Index{little_endian(bytes, 18, 2)}
                               : Index{static_cast<std::int32_t>(little_endian(bytes, 18, 4))};
  const Index signed_height = is_short ? Index{little_endian(bytes, 20, 2)}
                                       : Index{static_cast<std::int32_t>(little_endian(bytes, 22, 4))};
  const Index height = signed_height < 0 ? -signed_height : signed_height;  // negative: rows from the top
  check_size(name, width, height);

  const Index bits = little_endian(bytes, is_short ? 24 : 28, 2);
  const Index stride = (width * bits + 31) / 32 * 4;
  check(Index{little_endian(bytes, 10, 4)} + stride * height <= static_cast<Index>(bytes.size()), who,
        "is a damaged BMP: it is cut off after", bytes.size(), "bytes");
  return decode(bytes, name, "BMP", width, height);
}

}  // namespace data
