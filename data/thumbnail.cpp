#include "data/thumbnail.h"

#include <algorithm>

#include "data/resize.h"

#define STBIW_ASSERT(x) static_cast<void>(0)
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

namespace data {

namespace {

Image shrink(const Image& image, Index side) {
  const Index longer = std::max(image.width, image.height);
  if (longer <= side) return image;
  const auto scaled = [&](Index length) { return std::max<Index>(1, (length * side + longer / 2) / longer); };
  return resize(image, scaled(image.width), scaled(image.height), Filter::bilinear);
}

void append(void* to, void* bytes, int size) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

}  // namespace

std::string thumbnail(const Image& image, Index side) {
  constexpr int kQuality = 85;
  const Image small = shrink(image, side);
  std::string bytes;
  const int written = stbi_write_jpg_to_func(append, &bytes, static_cast<int>(small.width),
                                             static_cast<int>(small.height), 3, small.rgb.data(), kQuality);
  check(written != 0, "thumbnail: an image of", small.width, "x", small.height, "cannot be made a JPEG");
  return bytes;
}

}  // namespace data
