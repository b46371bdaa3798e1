// An image in any of the formats, turned by its EXIF orientation.

#include "data/codecs/decode.h"

#include <cstdlib>

#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::reads_or_refuses([&] {
    const data::Image stored = data::decode_image(fuzz::bytes_of(data, size), "image");
    const data::Image image = data::upright(stored);
    if (image.rgb.size() != static_cast<std::size_t>(image.width * image.height * 3)) std::abort();
    if (image.rgb.size() != stored.rgb.size() || image.orientation != 1) std::abort();
  });
  return 0;
}
