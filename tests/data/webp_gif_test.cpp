#include <gmock/gmock.h>

#include "data/codecs/decode.h"
#include "tests/data/bytes.h"
#include "tests/support/memory_limit.h"

namespace data {
namespace {

using support::MemoryLimit;
using testing::HasSubstr;

std::string number(std::size_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> 8 * i & 0xff));
  return text;
}

TEST(WebP, that_is_animated_is_refused_by_name) {
  EXPECT_EQ(error_of([] { read_image(golden("animated.webp")); }),
            golden("animated.webp").string() + ": is an animated WebP; only still ones are read");
}

TEST(WebP, has_an_orientation) {
  EXPECT_EQ(read_image(golden("exif.webp")).orientation, 6);
  EXPECT_EQ(read_image(golden("lossless.webp")).orientation, 1);
  std::string bytes = read_text(golden("exif.webp"));
  bytes.replace(bytes.find("EXIF"), 4, "EXIX");
  EXPECT_EQ(decode(bytes).orientation, 1);
}

TEST(WebP, that_is_cut_off_says_so) {
  const std::string bytes = read_text(golden("lossy.webp"));
  EXPECT_EQ(error_in(bytes.substr(0, 100)), "x: is a damaged WebP: it is cut off after 100 bytes");
  EXPECT_EQ(error_in(bytes.substr(0, 13)), "x: is a damaged WebP: it is cut off after 13 bytes");
}

/// A lossless WebP that claims this size, and has few bytes of pixels.
std::string claiming(std::size_t width, std::size_t height) {
  std::string pixels = "\x2f" + number((width - 1) | (height - 1) << 14, 4) + std::string(15, '\0');
  return "RIFF" + number(pixels.size() + 12, 4) + "WEBPVP8L" + number(pixels.size(), 4) + pixels;
}

TEST(WebP, that_claims_more_than_its_bytes_are_trusted_with_takes_no_memory) {
  const MemoryLimit limit(16'000'000);
  EXPECT_EQ(error_in(claiming(16384, 16384)), "x: claims 16384 x 16384 pixels; at most 64 million are read");
  EXPECT_EQ(
      error_in(claiming(4000, 4000)),
      "x: claims 4000 x 4000 pixels, more than 40 bytes are trusted with: beyond 4 million each byte has "
      "at most 4096");
}

TEST(Gif, that_claims_more_than_its_bytes_are_trusted_with_takes_no_memory) {
  const MemoryLimit limit(16'000'000);
  std::string bytes = read_text(golden("rows.gif"));
  EXPECT_THAT(error_in(bytes.replace(6, 4, number(60000, 2) + number(1200, 2))),
              HasSubstr("claims 60000 x 1200 pixels; at most 64 million"));
  EXPECT_THAT(error_in(bytes.replace(6, 4, number(6000, 2) + number(6000, 2))),
              HasSubstr("claims 6000 x 6000 pixels, more than 848 bytes are trusted with"));
}

TEST(Gif, that_holds_no_whole_frame_is_an_error) {
  const std::string bytes = read_text(golden("rows.gif"));
  EXPECT_EQ(error_in(bytes.substr(0, 400)), "x: is a damaged GIF: it is cut off after 400 bytes");
  const std::string screen = "GIF89a" + number(1, 2) + number(1, 2) + std::string(3, '\0');
  EXPECT_EQ(error_in(screen + ";"), "x: is a damaged GIF: it has no frame");
  EXPECT_EQ(error_in(screen + "," + std::string(9, '\0') + std::string("\2\0;", 3)),
            "x: is a damaged GIF: its first frame is empty");
}

TEST(Gif, without_colours_is_gray_and_black_beyond_them) {
  const std::string frame = "," + std::string(4, '\0') + number(3, 2) + number(1, 2);
  // Codes of three bits: clear, 0, 1, 3, end.
  const std::string pixels = std::string("\2\2\x44\x56\0;", 6);
  const std::string screen = "GIF87a" + number(3, 2) + number(1, 2);
  EXPECT_EQ(decode(screen + std::string(3, '\0') + frame + '\0' + pixels).rgb,
            (std::vector<std::uint8_t>{0, 0, 0, 1, 1, 1, 3, 3, 3}));
  EXPECT_EQ(decode(screen + "\x80" + std::string(2, '\0') + "abcdef" + frame + '\0' + pixels).rgb,
            (std::vector<std::uint8_t>{'a', 'b', 'c', 'd', 'e', 'f', 0, 0, 0}));
}

TEST(Gif, whose_end_is_damaged_has_a_note) {
  std::string bytes = read_text(golden("frames.gif"));
  EXPECT_EQ(decode(bytes).note, "");
  bytes.back() = 'x';
  EXPECT_EQ(decode(bytes + "y").note, "what follows its first frame is damaged");
  EXPECT_EQ(decode(bytes.substr(0, 1500)).note, "it is cut off after 1500 bytes");
}

}  // namespace
}  // namespace data
