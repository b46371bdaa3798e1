#include "data/resize.h"

#include <gmock/gmock.h>

#include "tests/data/support.h"

namespace data {
namespace {

TEST(Resize, has_no_pixel_that_differs_from_pillow) {
  int cases = 0;
  for (std::istringstream& row : table("resize.txt")) {
    std::string kind, filter, pixels;
    std::uint32_t seed, crc;
    Index w, h, width, height;
    ASSERT_TRUE(row >> kind >> seed >> w >> h >> width >> height >> filter >> crc >> pixels) << row.str();
    const Image out = resize(noise(kind, seed, w, h), width, height, filter_named(filter));
    EXPECT_EQ(crc32_of(out), crc) << row.str();
    if (pixels != "-") {
      std::string hex;
      for (std::uint8_t v : out.rgb) hex += {"0123456789abcdef"[v >> 4], "0123456789abcdef"[v & 15]};
      EXPECT_EQ(hex, pixels) << row.str();
    }
    ++cases;
  }
  EXPECT_GE(cases, 30);
}

TEST(Resize, window_is_the_crop_of_the_whole) {
  const Image image = noise("noise", 7, 50, 41);
  for (const Box& window : {Box{0, 0, 64, 30}, Box{5, 3, 20, 20}, Box{63, 29, 1, 1}})
    EXPECT_EQ(resize(image, 64, 30, Filter::bicubic, window),
              crop(resize(image, 64, 30, Filter::bicubic), window));
  EXPECT_EQ(resize(image, 50, 30, Filter::bicubic, {10, 2, 5, 7}),
            crop(resize(image, 50, 30, Filter::bicubic), {10, 2, 5, 7}));
  EXPECT_EQ(resize(image, 64, 41, Filter::bilinear, {10, 2, 5, 7}),
            crop(resize(image, 64, 41, Filter::bilinear), {10, 2, 5, 7}));
}

TEST(Resize, same_size_is_the_same_image) {
  const Image image = noise("noise", 8, 9, 5);
  EXPECT_EQ(resize(image, 9, 5, Filter::bicubic), image);
}

TEST(Resize, bad_requests_are_errors) {
  EXPECT_THAT(error_of([] {
                resize(Image(4, 4), 8, 8, Filter::bicubic, {4, 0, 5, 8});
              }),
              testing::HasSubstr("does not lie in 8 x 8"));
  EXPECT_THAT(error_of([] { resize(Image(4, 4), 0, 8, Filter::bicubic); }), testing::HasSubstr("resize"));
  EXPECT_THAT(error_of([] { filter_named("lanczos"); }), testing::HasSubstr("bilinear, bicubic"));
  EXPECT_EQ(filter_named(name_of(Filter::bilinear)), Filter::bilinear);
}

TEST(Image, crop_and_flip_move_pixels) {
  const Image image = noise("noise", 9, 6, 4);
  const Image part = crop(image, {2, 1, 3, 2});
  for (Index y = 0; y < 2; ++y)
    for (Index i = 0; i < 9; ++i) EXPECT_EQ(part.row(y)[i], image.row(y + 1)[6 + i]);
  const Image mirrored = flip(image);
  for (Index x = 0; x < 6; ++x) EXPECT_EQ(mirrored.row(2)[x * 3 + 1], image.row(2)[(5 - x) * 3 + 1]);
  EXPECT_EQ(flip(mirrored), image);
  EXPECT_THAT(error_of([&] { crop(image, {4, 0, 3, 1}); }), testing::HasSubstr("6 x 4"));
}

TEST(Image, centre_box_rounds_half_to_even) {
  EXPECT_EQ(centre_box(5, 7, 4, 4), (Box{0, 2, 4, 4}));  // 0.5 -> 0, 1.5 -> 2
  EXPECT_EQ(centre_box(9, 8, 4, 4), (Box{2, 2, 4, 4}));  // 2.5 -> 2
}

}  // namespace
}  // namespace data
