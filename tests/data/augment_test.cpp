#include "data/augment.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "data/color.h"
#include "tests/data/support.h"

namespace data {
namespace {

TEST(Color, has_no_pixel_that_differs_from_torchvision) {
  const std::map<std::string, Image (*)(const Image&, double)> changes = {
      {"brightness", brightness},
      {"contrast", contrast},
      {"saturation", saturation},
      {"hue", hue},
      {"grayscale", [](const Image& image, double) { return grayscale(image); }}};
  int cases = 0;
  for (std::istringstream& row : table("color.txt")) {
    std::string name;
    std::uint32_t seed, crc;
    Index w, h;
    double factor;
    ASSERT_TRUE(row >> name >> seed >> w >> h >> factor >> crc) << row.str();
    EXPECT_EQ(crc32_of(changes.at(name)(noise("noise", seed, w, h), factor)), crc) << row.str();
    ++cases;
  }
  EXPECT_GE(cases, 40);
}

Random stream(std::uint64_t i) {
  return Random(1, Random::Use::test, i);
}

TEST(Augment, is_a_function_of_its_random_numbers) {
  const Image image = noise("noise", 5, 61, 47);
  const Preprocessing how{.size = 32};
  for (const Augmentation& augmentation : augmentations()) {
    std::set<std::uint32_t> seen;
    for (std::uint64_t i = 0; i < 12; ++i) {
      Random a = stream(i), b = stream(i);
      const Image first = augmentation.apply(image, how, a);
      EXPECT_EQ(first, augmentation.apply(image, how, b)) << augmentation.name;
      EXPECT_EQ(first.width, 32);
      EXPECT_EQ(first.height, 32);
      seen.insert(crc32_of(first));
    }
    const std::map<std::string_view, std::size_t> different = {
        {"none", 1}, {"flip", 2}, {"vtab", 1}, {"fgvc", 12}, {"simclr", 12}};
    EXPECT_EQ(seen.size(), different.at(augmentation.name)) << augmentation.name;
  }
}

TEST(Augment, vtab_squashes_whatever_the_checkpoint_does_in_evaluation) {
  const Image image = noise("noise", 6, 61, 47);
  const Preprocessing how{.size = 32, .mode = Preprocessing::Mode::crop};
  Random random = stream(0);
  EXPECT_EQ(augmentation_named("vtab").apply(image, how, random), resize(image, 32, 32, how.filter));
  EXPECT_EQ(augmentation_named("none").apply(image, how, random), fit(image, how));
}

TEST(Augment, makes_images_of_any_height_and_width) {
  const Image image = noise("noise", 7, 61, 47);
  const Preprocessing how{.size = {16, 40}};
  for (const Augmentation& augmentation : augmentations()) {
    Random random = stream(0);
    const Image made = augmentation.apply(image, how, random);
    EXPECT_EQ((ImageSize{made.height, made.width}), how.size) << augmentation.name;
  }
  Random random = stream(0), again = stream(0);
  const Image boxed = resize(crop(image, random_box(61, 47, again)), 40, 16, how.filter);
  const Image made = augmentation_named("fgvc").apply(image, how, random);
  EXPECT_TRUE(made == boxed || made == flip(boxed));
  EXPECT_EQ(augmentation_named("vtab").apply(image, how, random), resize(image, 40, 16, how.filter));
}

TEST(Augment, an_unknown_name_gets_its_neighbour) {
  EXPECT_THAT(error_of([] { augmentation_named("simclear"); }), testing::HasSubstr("did you mean simclr"));
}

TEST(RandomBox, keeps_to_area_and_ratio) {
  double smallest = 1, largest = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Random random = stream(i);
    const Box box = random_box(300, 200, random);
    ASSERT_TRUE(box.left >= 0 && box.top >= 0 && box.left + box.width <= 300 && box.top + box.height <= 200);
    const double area = static_cast<double>(box.width * box.height) / (300 * 200);
    const double ratio = static_cast<double>(box.width) / static_cast<double>(box.height);
    smallest = std::min(smallest, area), largest = std::max(largest, area);
    EXPECT_GE(area, 0.078);
    EXPECT_GE(ratio, 0.74);
    EXPECT_LE(ratio, 1.35);
  }
  EXPECT_LT(smallest, 0.1);
  EXPECT_GT(largest, 0.85);
}

TEST(RandomBox, falls_back_to_the_middle_of_a_thin_image) {
  Random random = stream(3);
  EXPECT_EQ(random_box(1000, 9, random), (Box{494, 0, 12, 9}));
  EXPECT_EQ(random_box(9, 1000, random), (Box{0, 494, 9, 12}));
  EXPECT_EQ(random_box(1, 1, random), (Box{0, 0, 1, 1}));
}

}  // namespace
}  // namespace data
