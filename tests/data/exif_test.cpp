#include "data/codecs/exif.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "data/image_folder.h"
#include "data/loader.h"
#include "tests/data/exif_bytes.h"
#include "tests/data/jpeg_bytes.h"
#include "tests/data/png_bytes.h"

namespace data {
namespace {

int orientation_in(const std::string& block) {
  return exif_orientation(std::as_bytes(std::span(block)));
}

/// An image with a letter in each pixel.
Image letters(const std::vector<std::string>& rows) {
  Image image(static_cast<Index>(rows[0].size()), static_cast<Index>(rows.size()));
  std::uint8_t* to = image.rgb.data();
  for (const std::string& row : rows)
    for (const char letter : row) to = std::fill_n(to, 3, static_cast<std::uint8_t>(letter));
  return image;
}

/// "abc" above "def" turned by each orientation, by hand.
const std::vector<std::vector<std::string>> kTurned = {
    {"abc", "def"},     {"cba", "fed"},     {"fed", "cba"},     {"def", "abc"},
    {"ad", "be", "cf"}, {"da", "eb", "fc"}, {"fc", "eb", "da"}, {"cf", "be", "ad"}};

TEST(Upright, is_each_orientation_turned_by_hand) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Image image = letters({"abc", "def"});
    image.orientation = orientation, image.note = "kept";
    const Image turned = upright(image);
    EXPECT_EQ(turned, letters(kTurned[static_cast<std::size_t>(orientation - 1)])) << orientation;
    EXPECT_EQ(turned.orientation, 1);
    EXPECT_EQ(turned.note, "kept");
    EXPECT_EQ(upright(turned), turned);
  }
  Image none = letters({"a"});
  none.orientation = 9;
  EXPECT_THROW(upright(none), Error);
}

TEST(ExifOrientation, is_read_in_both_byte_orders_with_and_without_a_name_before) {
  for (const bool big : {false, true}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      EXPECT_EQ(orientation_in(exif(orientation, big)), orientation);
      EXPECT_EQ(orientation_in(std::string("Exif\0\0", 6) + exif(orientation, big)), orientation);
    }
    for (const int none : {0, 9, 300}) EXPECT_EQ(orientation_in(exif(none, big)), 1) << none;
  }
}

// The numbers are those that Pillow 13.0 gives for the same blocks.
TEST(ExifOrientation, of_another_type_or_count_is_as_pillow_has_it) {
  constexpr bool big = false;
  const auto one = [&](std::uint32_t type, std::uint32_t count, const std::string& value) {
    return exif_of(big, {tiff_entry(big, 274, type, count, value)});
  };
  const std::string six = little16(6), wide = little_endian(6);
  EXPECT_EQ(orientation_in(one(4, 1, wide)), 6) << "a long";
  EXPECT_EQ(orientation_in(one(8, 1, six + six)), 6) << "a signed short";
  EXPECT_EQ(orientation_in(one(3, 2, six + little16(3))), 6) << "the first of two";
  EXPECT_EQ(orientation_in(one(1, 1, wide)), 1) << "a byte is none";
  EXPECT_EQ(orientation_in(one(3, 0, wide)), 1) << "no value";
  // Values that do not fit stand elsewhere: behind the end of the list, at 8 + 2 + 12 + 4.
  EXPECT_EQ(orientation_in(one(3, 3, little_endian(26)) + six + six + six), 6);
  EXPECT_EQ(orientation_in(one(3, 3, little_endian(26)) + six + six), 1) << "cut off";
  EXPECT_EQ(orientation_in(one(4, 0xffffffff, little_endian(0xffffffff))), 1);
  // Of two tags the first that has a value.
  const auto before_eight = [&](std::uint32_t type, std::uint32_t count, std::uint32_t first) {
    return orientation_in(exif_of(big, {tiff_entry(big, 274, type, count, little_endian(first)),
                                        tiff_entry(big, 274, 3, 1, little_endian(8))}));
  };
  EXPECT_EQ(before_eight(3, 1, 6), 6);
  EXPECT_EQ(before_eight(3, 1, 9), 1);
  EXPECT_EQ(before_eight(1, 1, 6), 1);
  EXPECT_EQ(before_eight(3, 0, 6), 8);
  EXPECT_EQ(before_eight(77, 1, 6), 8);
}

TEST(ExifOrientation, of_damaged_blocks_is_one_of_eight) {
  for (const bool big : {false, true}) {
    damage(std::string("Exif\0\0", 6) + exif(6, big), [](const std::string& block) {
      const std::string exact(block);  // of its own size, so that a sanitizer sees what is read behind it
      const int orientation = orientation_in(exact);
      EXPECT_TRUE(orientation >= 1 && orientation <= 8) << orientation;
    });
  }
  EXPECT_EQ(orientation_in(std::string("II*\0", 4) + little_endian(0xfffffffe) + std::string(64, '\1')), 1);
}

TEST(Orientation, of_a_jpeg_and_a_png_is_in_the_image_whose_pixels_stand_as_stored) {
  const Image image = noise("noise", 3, 16, 8);
  const std::string plain = jpeg(16, 8, image.rgb);
  EXPECT_EQ(decode(plain).orientation, 1);
  EXPECT_EQ(decode(png_of(image)).orientation, 1);
  for (const bool big : {false, true}) {
    const Image as_jpeg = decode(jpeg_with_exif(plain, exif(7, big)));
    EXPECT_EQ(as_jpeg.orientation, 7);
    EXPECT_EQ(as_jpeg, decode(plain));
    const Image as_png = decode(png_of(image, png_chunk("eXIf", exif(8, big))));
    EXPECT_EQ(as_png.orientation, 8);
    EXPECT_EQ(as_png, image);
  }
  EXPECT_EQ(decode(jpeg_with_exif(jpeg_with_exif(plain, exif(3)), exif(6))).orientation, 6)
      << "the first segment";
  const std::string other = "\xff\xe1" + big16(2 + 4) + "http";
  EXPECT_EQ(decode(plain.substr(0, 2) + other + jpeg_with_exif(plain, exif(4)).substr(2)).orientation, 4)
      << "behind a segment of another kind";
}

TEST(Orientation, of_a_damaged_jpeg_is_one_of_eight) {
  const Image image = noise("noise", 3, 2, 2);
  damage(jpeg_with_exif(jpeg(2, 2, image.rgb), exif(6)), [](const std::string& bytes) {
    const int orientation = jpeg_orientation(std::as_bytes(std::span(bytes)));
    EXPECT_TRUE(orientation >= 1 && orientation <= 8) << orientation;
  });
}

/// What a model gets of pixels that stand as they are to be seen, [3, side, side].
std::vector<float> values_of(const Image& image, const Preprocessing& how) {
  std::vector<float> values(image.rgb.size());
  normalize(image, how, values);
  return values;
}

TEST(Orientation, turns_images_of_a_folder_on_their_way_to_a_model_where_that_is_asked_for) {
  const std::vector<std::vector<std::string>> turned = {{"ab", "cd"}, {"ba", "dc"}, {"dc", "ba"},
                                                        {"cd", "ab"}, {"ac", "bd"}, {"ca", "db"},
                                                        {"db", "ca"}, {"bd", "ac"}};
  const TemporaryFolder folder;
  const Image stored = letters({"ab", "cd"});
  for (int orientation = 1; orientation <= 8; ++orientation)
    folder.write("train/a/" + std::to_string(orientation) + ".png",
                 png_of(stored, png_chunk("eXIf", exif(orientation, orientation % 2 == 0))));
  folder.write("train/b/1.ppm", ppm(stored));
  const Splits splits = open_image_folder(folder.path());
  for (const bool rotate : {false, true}) {
    const Preprocessing how{.size = 2, .exif_rotate = rotate};
    Loader loader(splits.train, {.preprocessing = how, .batch_size = 9, .workers = 2});
    loader.start(0);
    const Batch batch = *loader.next();
    const auto values = batch.images.data<float>();
    for (std::size_t i = 0; i < 9; ++i) {
      const Image expected = rotate && i < 8 ? letters(turned[i]) : stored;
      EXPECT_TRUE(std::ranges::equal(values.subspan(i * 12, 12), values_of(expected, how))) << rotate << i;
      const Tensor alone = to_tensor(splits.train->image(static_cast<Index>(i)), how);
      EXPECT_TRUE(std::ranges::equal(alone.data<float>(), values_of(expected, how))) << rotate << i;
    }
  }
}

}  // namespace
}  // namespace data
