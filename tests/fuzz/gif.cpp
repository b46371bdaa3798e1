// The first frame of a GIF, whatever its first bytes are.

#include <cstdlib>

#include "data/codecs/decoders.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::reads_or_refuses([&] {
    const data::Image image = data::decode_gif(fuzz::bytes_of(data, size), "image");
    if (image.rgb.size() != static_cast<std::size_t>(image.width * image.height * 3)) std::abort();
  });
  return 0;
}
