#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/check.h"

namespace data {

using engine::check;
using engine::Error;
using engine::Index;

/// An image in 8-bit red, green and blue, rows from the top: [height, width, 3].
struct Image {
  Index width = 0, height = 0;
  std::vector<std::uint8_t> rgb;

  Image() = default;
  /// A black image.
  Image(Index width, Index height);

  std::uint8_t* row(Index y) { return rgb.data() + y * width * 3; }
  const std::uint8_t* row(Index y) const { return rgb.data() + y * width * 3; }
  friend bool operator==(const Image&, const Image&) = default;
};

/// A rectangle of pixels.
struct Box {
  Index left = 0, top = 0, width = 0, height = 0;
  friend bool operator==(const Box&, const Box&) = default;
};

/// The pixels inside `box`, which must lie in the image.
Image crop(const Image& image, const Box& box);

/// The box of this size in the middle of an image, rounded as torchvision's CenterCrop does.
Box centre_box(Index image_width, Index image_height, Index width, Index height);

/// The image mirrored left to right.
Image flip(const Image& image);

}  // namespace data
