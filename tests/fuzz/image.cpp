// An image in any of the formats.

#include "data/codecs/decode.h"

#include <cstdlib>

#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::reads_or_refuses([&] {
    const data::Image image = data::decode_image(fuzz::bytes_of(data, size), "image");
    if (image.rgb.size() != static_cast<std::size_t>(image.width * image.height * 3)) std::abort();
  });
  return 0;
}
