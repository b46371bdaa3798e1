// Only its PNG code is compiled in: the others are not safe on hostile files in the versions that
// distributions ship.
#include "data/codecs/stb.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

/// The largest block stb may take on this thread.
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
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_FAILURE_USERMSG
#define STBI_MAX_DIMENSIONS 65535
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

namespace data {

Image png_by_stb(std::span<const std::byte> bytes, std::string_view name, Index width, Index height) {
  constexpr std::size_t slack = 1 << 20;
  constexpr std::size_t largest_pixel = 8;  // 16-bit RGBA
  stb_block_limit = static_cast<std::size_t>(width * height) * largest_pixel +
                    static_cast<std::size_t>(height) + 2 * bytes.size() + slack;
  int w = 0, h = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()),
                            &w, &h, &channels, 3),
      stbi_image_free);
  check(pixels != nullptr, std::string(name) + ":", "is a damaged or unusual PNG:", stbi_failure_reason());
  check(w == width && h == height, std::string(name) + ":", "is a damaged PNG: its size is unclear");
  Image image(width, height);
  std::copy_n(pixels.get(), image.rgb.size(), image.rgb.data());
  return image;
}

}  // namespace data
