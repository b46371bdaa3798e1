#include "data/image.h"

#include <algorithm>
#include <cmath>
#include <utility>

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

namespace {

/// Where the pixels of an upright image stand in the stored one: x and y exchanged or not, then counted from
/// the first column and row or from the last. EXIF's orientations 1 to 8.
struct Turn {
  bool exchange, x_from_last, y_from_last;
};
constexpr Turn kTurns[] = {{false, false, false}, {false, true, false}, {false, true, true},
                           {false, false, true},  {true, false, false}, {true, false, true},
                           {true, true, true},    {true, true, false}};

}  // namespace

Image upright(Image image) {
  check(image.orientation >= 1 && image.orientation <= 8, "orientation", image.orientation,
        "is not one of 1 to 8");
  if (image.orientation == 1) return image;
  const Turn& turn = kTurns[image.orientation - 1];
  Image out(turn.exchange ? image.height : image.width, turn.exchange ? image.width : image.height);
  out.note = std::move(image.note);
  for (Index y = 0; y < out.height; ++y) {
    std::uint8_t* to = out.row(y);
    for (Index x = 0; x < out.width; ++x, to += 3) {
      const Index across = turn.exchange ? y : x, down = turn.exchange ? x : y;
      const Index from_x = turn.x_from_last ? image.width - 1 - across : across;
      const Index from_y = turn.y_from_last ? image.height - 1 - down : down;
      std::copy_n(image.row(from_y) + from_x * 3, 3, to);
    }
  }
  return out;
}

Image flip(const Image& image) {
  Image out(image.width, image.height);
  for (Index y = 0; y < image.height; ++y)
    for (Index x = 0; x < image.width; ++x)
      std::copy_n(image.row(y) + x * 3, 3, out.row(y) + (image.width - 1 - x) * 3);
  return out;
}

}  // namespace data
