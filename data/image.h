#pragma once

#include <cstdint>
#include <string>
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
  std::string note;     ///< what is wrong with the file it was read from, though no pixel is; mostly empty
  int orientation = 1;  ///< EXIF's: how the pixels of the file are to be turned to be upright; see upright()

  Image() = default;
  /// A black image.
  Image(Index width, Index height);

  std::uint8_t* row(Index y) { return rgb.data() + y * width * 3; }
  const std::uint8_t* row(Index y) const { return rgb.data() + y * width * 3; }
  /// The same pixels.
  friend bool operator==(const Image& a, const Image& b) {
    return a.width == b.width && a.height == b.height && a.rgb == b.rgb;
  }
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

/// The image turned by its orientation, which is 1 from then on: as Pillow's ImageOps.exif_transpose turns
/// it.
Image upright(Image image);

}  // namespace data
