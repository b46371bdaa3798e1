#include "data/thumbnail.h"

#include <gtest/gtest.h>

#include "data/codecs/decode.h"

namespace data {
namespace {

/// An image that grows brighter to the right and redder downwards.
Image shaded(Index width, Index height) {
  Image image(width, height);
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x) {
      std::uint8_t* pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(255 * y / height);
      pixel[1] = pixel[2] = static_cast<std::uint8_t>(255 * x / width);
    }
  }
  return image;
}

Image decoded(const std::string& jpeg) {
  return decode_image(std::as_bytes(std::span(jpeg)), "thumbnail");
}

TEST(Thumbnail, has_its_longer_side_as_asked_and_its_proportions) {
  const Image wide = decoded(thumbnail(shaded(400, 300), 96)),
              high = decoded(thumbnail(shaded(10, 2000), 96));
  EXPECT_EQ(wide.width, 96);
  EXPECT_EQ(wide.height, 72);
  EXPECT_EQ(high.width, 1) << "no side vanishes";
  EXPECT_EQ(high.height, 96);
}

TEST(Thumbnail, of_a_small_image_keeps_its_size_and_shows_it) {
  const Image image = shaded(40, 24), shown = decoded(thumbnail(image, 96));
  ASSERT_EQ(shown.width, 40);
  ASSERT_EQ(shown.height, 24);
  double difference = 0;
  for (std::size_t i = 0; i < image.rgb.size(); ++i) difference += std::abs(image.rgb[i] - shown.rgb[i]);
  EXPECT_LT(difference / static_cast<double>(image.rgb.size()), 6) << "JPEG loses a little";
}

}  // namespace
}  // namespace data
