#include <gmock/gmock.h>

#include <array>

#include "tests/data/bytes.h"
#include "tests/support/memory_limit.h"

namespace data {
namespace {

using support::MemoryLimit;
using testing::ElementsAre;
using testing::HasSubstr;

/// A BMP with Windows's header of 40 bytes; `extra` are its masks or palette.
struct Form {
  std::int32_t width, height;
  std::uint32_t bits, compression = 0;
  std::string extra = {};
};
std::string bmp(const Form& form, const std::string& rows) {
  const auto offset = static_cast<std::uint32_t>(54 + form.extra.size());
  return "BM" + std::string(8, '\0') + little_endian(offset) + little_endian(40) +
         little_endian(static_cast<std::uint32_t>(form.width)) +
         little_endian(static_cast<std::uint32_t>(form.height)) + little16(1) + little16(form.bits) +
         little_endian(form.compression) + std::string(20, '\0') + form.extra + rows;
}
/// One with OS/2's header of 12 bytes.
std::string short_bmp(std::uint32_t width, std::uint32_t height, std::uint32_t bits,
                      const std::string& palette, const std::string& rows) {
  const auto offset = static_cast<std::uint32_t>(26 + palette.size());
  return "BM" + std::string(8, '\0') + little_endian(offset) + little_endian(12) + little16(width) +
         little16(height) + little16(1) + little16(bits) + palette + rows;
}

const std::string kColours = std::string("abc\0def\0ghi\0", 12);  // blue, green, red and nothing

TEST(Bmp, has_its_rows_from_the_bottom_or_the_top) {
  const std::string rows = "abcdef\1\2ghijkl\3\4";  // two pixels and padding
  EXPECT_THAT(decode(bmp({2, 2, 24}, rows)).rgb,
              ElementsAre('i', 'h', 'g', 'l', 'k', 'j', 'c', 'b', 'a', 'f', 'e', 'd'));
  EXPECT_THAT(decode(bmp({2, -2, 24}, rows)).rgb,
              ElementsAre('c', 'b', 'a', 'f', 'e', 'd', 'i', 'h', 'g', 'l', 'k', 'j'));
  EXPECT_THAT(decode(short_bmp(1, 1, 24, "", std::string("abc\0", 4))).rgb, ElementsAre('c', 'b', 'a'));
}

TEST(Bmp, with_a_palette_shows_its_colours) {
  const auto colours = ElementsAre('c', 'b', 'a', 'i', 'h', 'g', 'f', 'e', 'd');
  EXPECT_THAT(decode(bmp({3, 1, 8, 0, kColours}, std::string("\0\2\1\0", 4))).rgb, colours);
  EXPECT_THAT(decode(bmp({3, 1, 4, 0, kColours}, std::string("\x02\x10\0\0", 4))).rgb, colours);
  EXPECT_THAT(decode(short_bmp(3, 1, 8, "abcdefghi", std::string("\0\2\1\0", 4))).rgb, colours);
  EXPECT_THAT(decode(bmp({3, 1, 1, 0, kColours}, std::string("\x40\0\0\0", 4))).rgb,
              ElementsAre('c', 'b', 'a', 'f', 'e', 'd', 'c', 'b', 'a'));
  EXPECT_EQ(error_in(bmp({3, 1, 8, 0, kColours}, std::string("\0\3\1\0", 4))),
            "x: is a damaged BMP: a pixel has colour 3 of a palette of 3");
}

// Pillow's scaling of five and six bits to eight.
TEST(Bmp, with_16_or_32_bits_goes_by_its_masks) {
  auto masks = [](std::uint32_t red, std::uint32_t green, std::uint32_t blue) {
    return little_endian(red) + little_endian(green) + little_endian(blue);
  };
  const std::string pixel = little16(16 << 10 | 3 << 5 | 31) + std::string(2, '\0');
  EXPECT_THAT(decode(bmp({1, 1, 16}, pixel)).rgb, ElementsAre(131, 24, 255));
  EXPECT_THAT(decode(bmp({1, 1, 16, 3, masks(0x7c00, 0x3e0, 0x1f)}, pixel)).rgb, ElementsAre(131, 24, 255));
  EXPECT_THAT(
      decode(bmp({1, 1, 16, 3, masks(0xf800, 0x7e0, 0x1f)}, little16(16 << 11 | 3 << 5 | 31) + "..")).rgb,
      ElementsAre(131, 12, 255));
  EXPECT_THAT(decode(bmp({1, 1, 32}, "abcd")).rgb, ElementsAre('c', 'b', 'a'));
  EXPECT_THAT(decode(bmp({1, 1, 32, 3, masks(0xff, 0xff00, 0xff0000)}, "abcd")).rgb,
              ElementsAre('a', 'b', 'c'));
  for (const std::string& wrong :
       {masks(0, 0x3e0, 0x1f), masks(0x7c00, 0x2a0, 0x1f), masks(0x7c00, 0x3e0, 0x1f0000)})
    EXPECT_THAT(error_in(bmp({1, 1, 16, 3, wrong}, pixel)),
                HasSubstr("is a damaged BMP: a colour's mask is"));
}

TEST(Bmp, of_negative_or_huge_size_takes_no_memory) {
  const MemoryLimit limit(16'000'000);
  constexpr std::int32_t lowest = INT32_MIN, largest = INT32_MAX;
  EXPECT_EQ(error_in(bmp({-5, 4, 24}, "")), "x: claims -5 x 4 pixels; an image has at least one");
  EXPECT_THAT(error_in(bmp({lowest, lowest, 24}, "")), HasSubstr("an image has at least one"));
  EXPECT_THAT(error_in(bmp({5, lowest, 24}, "")), HasSubstr("claims 5 x 2147483648 pixels"));
  EXPECT_THAT(error_in(bmp({largest, largest, 24}, "")), HasSubstr("at most 64 million are read"));
  EXPECT_THAT(error_in(bmp({1, 70000, 1}, "")), HasSubstr("a side has at most 65535"));
  for (const std::uint32_t bits : {1u, 24u, 32u})
    EXPECT_THAT(error_in(bmp({8000, 8000, bits}, "abc")), HasSubstr("is a damaged BMP: it is cut off after"));
}

TEST(Bmp, whose_header_makes_no_sense_or_is_unusual_says_so) {
  EXPECT_EQ(error_in(bmp({1, 1, 0}, "....")),
            "x: is a BMP with 0 bits a pixel; 1, 4, 8, 16, 24 and 32 are read");
  EXPECT_EQ(error_in(bmp({1, 1, 8, 1, kColours}, "....")),
            "x: is a BMP of 8 bits with compression 1; only plain ones are read");
  std::string bytes = bmp({1, 1, 24}, "abc.");
  for (std::size_t size = 2; size < 34; ++size)
    EXPECT_THAT(error_in(bytes.substr(0, size)), HasSubstr("x: is a damaged BMP")) << size;
  bytes[10] = 20;  // where pixels begin
  EXPECT_EQ(error_in(bytes), "x: is a damaged BMP: its pixels begin in its header");
  bytes[14] = 39;
  EXPECT_EQ(error_in(bytes), "x: is a damaged BMP: no header has 39 bytes");
}

}  // namespace
}  // namespace data
