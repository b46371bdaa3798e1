#include "data/transforms.h"

#include <gmock/gmock.h>

#include <limits>

#include "tests/data/support.h"

namespace data {
namespace {

TEST(Transforms, give_the_bits_of_torchvision) {
  int cases = 0;
  for (std::istringstream& row : table("eval.txt")) {
    std::uint32_t seed, crc;
    Index w, h, size;
    double crop_pct;
    std::string mode, filter;
    Preprocessing how;
    ASSERT_TRUE(row >> seed >> w >> h >> mode >> filter >> size >> crop_pct >> how.mean[0] >> how.mean[1] >>
                how.mean[2] >> how.std[0] >> how.std[1] >> how.std[2] >> crc)
        << row.str();
    how.size = size, how.crop_pct = crop_pct;
    how.mode = mode_named(mode);
    how.filter = filter_named(filter);
    const Tensor out = to_tensor(noise("noise", seed, w, h), how);
    EXPECT_EQ(out.shape(), (engine::Shape{1, 3, size, size}));
    EXPECT_EQ(crc32_of(out.raw(), out.bytes()), crc) << row.str();
    ++cases;
  }
  EXPECT_GE(cases, 9);
}

TEST(Transforms, squash_crop_resizes_both_sides_and_cuts_the_centre) {
  const Image image = noise("noise", 5, 31, 20);
  const Preprocessing how{.size = 16, .mode = Preprocessing::Mode::squash_crop, .crop_pct = 0.8};
  EXPECT_EQ(fit(image, how), crop(resize(image, 20, 20, how.filter), {2, 2, 16, 16}));
}

// Checksums of what Pillow 13.0 resizes to the sides that OpenCLIP's ResizeKeepRatio(longest=1) gives, within
// the black that CenterCropOrPad puts around it.
TEST(Transforms, longest_keeps_the_whole_image_within_black) {
  struct Case {
    std::uint32_t seed;
    Index width, height, size;
    Filter filter;
    std::uint32_t checksum;
  };
  for (const auto& [seed, width, height, size, filter, checksum] :
       {Case{1, 60, 41, 32, Filter::bicubic, 2734817637u}, Case{2, 41, 60, 32, Filter::bilinear, 771720274u},
        Case{3, 32, 32, 32, Filter::bicubic, 2708202913u}, Case{4, 20, 9, 48, Filter::bicubic, 1604114261u},
        Case{5, 64, 37, 32, Filter::bicubic, 2658561150u},
        Case{6, 64, 42, 32, Filter::bicubic, 3283845854u}}) {
    const Image made = fit(noise("noise", seed, width, height),
                           {.size = size, .filter = filter, .mode = Preprocessing::Mode::longest});
    EXPECT_EQ(crc32_of(made), checksum) << seed;
  }
  EXPECT_EQ(fit(Image(60000, 1), {.size = 32, .mode = Preprocessing::Mode::longest}).rgb.size(),
            32u * 32 * 3);
}

TEST(Transforms, a_centre_with_odd_margins_begins_where_the_library_has_it) {
  const Image image = noise("noise", 5, 40, 40);
  Preprocessing how{.size = 16, .mode = Preprocessing::Mode::crop, .crop_pct = 16.0 / 19};
  const Image resized = resize(image, 19, 19, how.filter);
  EXPECT_EQ(fit(image, how), crop(resized, {2, 2, 16, 16})) << "1.5, rounded to the even one";
  how.crop_start = Preprocessing::CropStart::floor;
  EXPECT_EQ(fit(image, how), crop(resized, {1, 1, 16, 16}));
}

// The short side becomes 35 pixels and the long one 35 x 60000: only the middle may be computed.
TEST(Transforms, crop_of_a_thread_of_a_image_takes_no_memory_for_the_rest) {
  Preprocessing how{.size = 32, .mode = Preprocessing::Mode::crop};
  EXPECT_EQ(fit(Image(60000, 1), how).rgb.size(), 32u * 32 * 3);
}

TEST(Transforms, values_without_sense_are_errors) {
  auto error = [](Preprocessing how) { return error_of([&] { to_tensor(Image(8, 8), how); }); };
  EXPECT_THAT(error({.size = 0}), testing::HasSubstr("image size must be 1 to 8192 and not 0"));
  EXPECT_THAT(error({.size = {8, 8193}}), testing::HasSubstr("image size must be 1 to 8192 and not 8193"));
  EXPECT_THAT(error({.size = {-1, 8}}), testing::HasSubstr("image size must be 1 to 8192 and not -1"));
  EXPECT_THAT(error({.crop_pct = {0.5, 1.5}}), testing::HasSubstr("crop_pct must be 0.01 to 1 and not 1.5"));
  for (double wrong : {1.5, 0.0099, 0.0, 1e-300, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_THAT(error({.crop_pct = wrong}), testing::HasSubstr("crop_pct must be 0.01 to 1 and not"));
  EXPECT_NO_THROW(to_tensor(Image(8, 8), {.size = 8, .crop_pct = 0.01}));
  EXPECT_THAT(error({.std = {1, 0, 1}}), testing::HasSubstr("std must be above 0, 1e-6 to 1e6, not 0"));
  EXPECT_THAT(error({.std = {1, 1e-40f, 1}}), testing::HasSubstr("std must be above 0"));
  EXPECT_THAT(error({.mean = {std::numeric_limits<float>::quiet_NaN(), 0, 0}}), testing::HasSubstr("mean"));
  EXPECT_THAT(error_of([] { mode_named("stretch"); }), testing::HasSubstr("squash, crop"));
  EXPECT_THAT(error_of([] { crop_start_named("left"); }), testing::HasSubstr("half-even, floor"));
}

}  // namespace
}  // namespace data
