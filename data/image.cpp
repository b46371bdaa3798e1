#include "data/image.h"

#include <algorithm>
#include <cmath>

namespace data {

Image::Image(Index w, Index h) : width(w), height(h), rgb(static_cast<std::size_t>(w * h * 3)) {}

Image crop(const Image& image, const Box& box) {
  check(box.left >= 0 && box.top >= 0 && box.width > 0 && box.height > 0 &&
            box.left + box.width <= image.width && box.top + box.height <= image.height,
        "crop: a box of", box.width, "x", box.height, "at column", box.left, "row", box.top,
        "does not lie in an image of", image.width, "x", image.height);
  Image out(box.width, box.height);
  for (Index y = 0; y < box.height; ++y)
    std::copy_n(image.row(box.top + y) + box.left * 3, box.width * 3, out.row(y));
  return out;
}

Box centre_box(Index image_width, Index image_height, Index width, Index height) {
  // Python's round(): half to even, which is what nearbyint does by default.
  auto middle = [](Index outer, Index inner) {
    return static_cast<Index>(std::nearbyint(static_cast<double>(outer - inner) / 2.0));
  };
  return {middle(image_width, width), middle(image_height, height), width, height};
}

Image flip(const Image& image) {
  Image out(image.width, image.height);
  for (Index y = 0; y < image.height; ++y)
    for (Index x = 0; x < image.width; ++x)
      std::copy_n(image.row(y) + x * 3, 3, out.row(y) + (image.width - 1 - x) * 3);
  return out;
}

}  // namespace data
