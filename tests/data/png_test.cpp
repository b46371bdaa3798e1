#include <gmock/gmock.h>

#include <array>

#include "tests/data/png_bytes.h"
#include "tests/support/memory_limit.h"

namespace data {
namespace {

using support::MemoryLimit;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kEnd = png_chunk("IEND", "");
constexpr std::size_t kMegabyte = 1'000'000;

TEST(Png, with_16_bits_keeps_the_high_byte) {
  EXPECT_THAT(decode(png(png_header(1, 1, 16, 2), png_rows({{0x12ff, 0x3480, 0x5601}}, 16))).rgb,
              ElementsAre(0x12, 0x34, 0x56));
}

TEST(Png, with_a_palette_shows_its_colours_and_drops_their_alpha) {
  const std::string palette = png_chunk("PLTE", "abcdefghijkl"),
                    alpha = png_chunk("tRNS", std::string("\0\x80", 2));
  for (const int bits : {2, 4, 8}) {
    const std::string bytes =
        png(png_header(3, 2, bits, 3), png_rows({{0, 3, 1}, {2, 2, 0}}, bits), palette + alpha);
    const Image image = decode(bytes);
    EXPECT_EQ(std::string(image.rgb.begin(), image.rgb.end()), "abcjkldefghighiabc") << bits;
  }
}

// stb_image would show whatever lies in memory, such as the colours of the image before.
TEST(Png, has_black_where_the_palette_ends) {
  const std::string raw = png_rows({{1, 2, 255, 0}}, 8), header = png_header(4, 1, 8, 3);
  EXPECT_THAT(decode(png(header, raw, png_chunk("PLTE", std::string(256 * 3, 'z')))).rgb, Each('z'));
  EXPECT_THAT(decode(png(header, raw, png_chunk("PLTE", "abcdef"))).rgb,
              ElementsAre('d', 'e', 'f', 0, 0, 0, 0, 0, 0, 'a', 'b', 'c'));
}

TEST(Png, with_a_transparent_colour_keeps_it) {
  const std::string transparent = png_chunk("tRNS", big16(7));
  EXPECT_THAT(decode(png(png_header(2, 1, 8, 0), png_rows({{7, 9}}, 8), transparent)).rgb,
              ElementsAre(7, 7, 7, 9, 9, 9));
  const std::string deep = png_chunk("tRNS", big16(0x700) + big16(0x800) + big16(0x900));
  EXPECT_THAT(decode(png(png_header(1, 1, 16, 2), png_rows({{0x700, 0x800, 0x900}}, 16), deep)).rgb,
              ElementsAre(7, 8, 9));
}

/// The rows of the seven images that Adam7 makes of one.
std::string interlaced(const std::vector<std::vector<unsigned>>& rows, std::size_t samples, int bits) {
  constexpr std::array<std::array<std::size_t, 4>, 7> passes = {
      {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};
  std::string raw;
  for (const auto& [left, top, across, down] : passes) {
    std::vector<std::vector<unsigned>> some;
    for (std::size_t y = top; y < rows.size(); y += down) {
      std::vector<unsigned> row;
      for (std::size_t x = left; x * samples < rows[y].size(); x += across)
        for (std::size_t s = 0; s < samples; ++s) row.push_back(rows[y][x * samples + s]);
      some.push_back(row);
    }
    raw += png_rows(some, bits);
  }
  return raw;
}

TEST(Png, when_interlaced_is_the_same_image) {
  struct Kind {
    int colour, bits;
    std::size_t samples;
  };
  for (const auto& [colour, bits, samples] : {Kind{0, 1, 1}, Kind{0, 8, 1}, Kind{2, 16, 3}, Kind{6, 8, 4}})
    for (std::uint32_t width = 1; width <= 9; ++width)
      for (std::uint32_t height = 1; height <= 9; ++height) {
        unsigned state = width * 10 + height;
        std::vector<std::vector<unsigned>> rows(height, std::vector<unsigned>(width * samples));
        for (auto& row : rows)
          for (unsigned& sample : row) {
            state = state * 1664525u + 1013904223u;
            sample = state >> (32 - bits);
          }
        const std::string header = png_header(width, height, bits, colour),
                          header7 = png_header(width, height, bits, colour, true);
        ASSERT_EQ(decode(png(header7, interlaced(rows, samples, bits))),
                  decode(png(header, png_rows(rows, bits))))
            << colour << ' ' << bits << ' ' << width << " x " << height;
      }
}

TEST(Png, may_have_its_data_in_many_pieces) {
  const std::string packed = zlib_of(png_rows({{1, 2}, {3, 4}}, 8));
  std::string bytes = png_header(2, 2, 8, 0) + png_chunk("IDAT", "");
  for (const char byte : packed) bytes += png_chunk("IDAT", std::string(1, byte));
  EXPECT_THAT(decode(bytes + kEnd).rgb, ElementsAre(1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4));
}

TEST(Png, that_claims_more_than_it_holds_takes_no_memory) {
  const MemoryLimit limit(16 * kMegabyte);
  EXPECT_EQ(error_in(png_header(65535, 65535, 8, 2) + kEnd),
            "x: claims 65535 x 65535 pixels; at most 64 million are read");
  EXPECT_EQ(error_in(png_header(1, 64'000'000, 1, 0) + kEnd),
            "x: claims 1 x 64000000 pixels; a side has at most 65535");
  EXPECT_THAT(error_in(png(png_header(8000, 8000, 8, 2), "abc")),
              HasSubstr("x: is a damaged PNG: it claims 8000 x 8000 pixels, more than"));
  EXPECT_THAT(error_in(png(png_header(8000, 8000, 16, 6), "abc")), HasSubstr("at most 256 MB are read"));
  // An IDAT that claims 2 GB.
  EXPECT_EQ(error_in(png_header(8, 8, 8, 2) + big_endian(0x7fffffff) + "IDAT" + std::string(100, 'a')),
            "x: is a damaged PNG: it is cut off after 141 bytes");
  EXPECT_THAT(error_in(png_header(8, 8, 8, 2) + big_endian(0xffffffff) + "IDAT" + std::string(100, 'a')),
              HasSubstr("cut off"));
}

TEST(Png, that_decompresses_to_more_than_its_pixels_is_read_without_decompressing_the_rest) {
  const std::string bomb = zlib_of(std::string(32 << 20, '\0'));  // 32 kB
  const MemoryLimit limit(8 * kMegabyte);
  const Image image = decode(png_header(4, 4, 8, 2) + png_chunk("IDAT", bomb) + kEnd);
  EXPECT_EQ(image, Image(4, 4));
  EXPECT_EQ(image.note, "its data decompress to more than the 52 bytes of its pixels");
}

TEST(Png, with_a_byte_behind_its_last_row_is_the_same_image_with_a_note) {
  for (const bool interlaced : {false, true}) {
    const std::string header = png_header(3, 1, 8, 0, interlaced);
    const std::string raw = interlaced ? std::string("\0\1\0\3\0\2", 6) : std::string("\0\1\2\3", 4);
    const Image image = decode(png(header, raw)), with_more = decode(png(header, raw + '\7'));
    EXPECT_EQ(with_more, image);
    EXPECT_EQ(image.note, "");
    EXPECT_EQ(with_more.note,
              engine::say("its data decompress to more than the", raw.size(), "bytes of its pixels"));
  }
}

// With a right checksum on every chunk, so that only the data are wrong.
TEST(Png, has_no_pixels_made_up_for_data_that_are_damaged_or_cut_off) {
  std::string raw;
  for (int y = 0; y < 20; ++y) raw += '\0' + std::string(20, static_cast<char>(y * 7));
  const std::string header = png_header(20, 20, 8, 0), packed = zlib_of(raw);
  ASSERT_EQ(decode(png(header, raw)).width, 20);
  for (std::size_t size = 0; size < packed.size(); ++size)
    EXPECT_THAT(error_in(header + png_chunk("IDAT", packed.substr(0, size)) + kEnd),
                HasSubstr("is a damaged PNG"))
        << size;
  EXPECT_THAT(error_in(png(header, raw.substr(1))),
              HasSubstr("its data hold 419 of the 420 bytes of its pixels"));
  std::string wrong = packed;
  wrong.back() ^= 1;
  EXPECT_THAT(error_in(header + png_chunk("IDAT", wrong) + kEnd), HasSubstr("incorrect data check"));
  EXPECT_THAT(error_in(header + png_chunk("IDAT", "no zlib") + kEnd), HasSubstr("incorrect header check"));
  EXPECT_THAT(error_in(header + kEnd), HasSubstr("is a damaged PNG"));
}

/// The image of a PNG whose pixels are whole, or the error.
std::string outcome(const std::string& bytes, const Image& image) {
  try {
    const Image found = decode(bytes);
    return found == image ? found.note : "other pixels";
  } catch (const Error& e) {
    return std::string("error: ") + e.what();
  }
}

TEST(Png, is_read_with_a_note_where_only_what_follows_its_data_is_damaged) {
  const std::string packed = zlib_of(png_rows({{1, 2, 3}, {4, 5, 6}}, 8)),
                    time = png_chunk("tIME", "1234567");
  const std::string start = png_header(3, 2, 8, 0), half = packed.substr(0, 9), rest = packed.substr(9);
  const std::string one = start + png_chunk("IDAT", packed),
                    two = start + png_chunk("IDAT", half) + png_chunk("IDAT", rest);
  const Image image = decode(one + kEnd);
  ASSERT_EQ(image.note, "");
  for (const std::string& data : {one, two})
    for (const std::string& whole : {data + kEnd, data + time + kEnd}) {
      const std::size_t checksum = data.size() - 4;  // of the last data
      for (std::size_t size = checksum; size < whole.size(); ++size)
        EXPECT_EQ(outcome(whole.substr(0, size), image), engine::say("it is cut off after", size, "bytes"));
      for (std::size_t at = checksum; at < whole.size(); ++at) {
        std::string wrong = whole;
        wrong[at] ^= 0x41;
        EXPECT_THAT(outcome(wrong, image), testing::AnyOf(HasSubstr("a checksum is wrong at byte"),
                                                          testing::StartsWith("it is cut off after")))
            << at;
      }
    }
}

TEST(Png, has_an_error_wherever_damage_may_touch_a_pixel) {
  const std::string packed = zlib_of(png_rows({{1, 2, 3}, {4, 5, 6}}, 8));
  const std::string whole = png_header(3, 2, 8, 0) + png_chunk("IDAT", packed) + kEnd;
  const Image image = decode(whole);
  const std::size_t data = 8 + 25 + 8, end = data + packed.size();
  for (std::size_t size = 8; size < end; ++size)
    EXPECT_THAT(outcome(whole.substr(0, size), image),
                testing::StartsWith(engine::say("error: x: is a damaged PNG: it is cut off after", size)));
  for (std::size_t at = 8; at < end; ++at) {
    if (at >= data - 8 && at < data - 4) continue;  // the length of the data
    std::string wrong = whole;
    wrong[at] ^= 0x41;
    EXPECT_THAT(outcome(wrong, image), testing::StartsWith("error: x: ")) << at;
  }
  // Where there is more than the pixels, zlib's checksum is not looked for, so that the chunk's must be
  // right.
  std::string more = png_header(1, 1, 8, 0) + png_chunk("IDAT", zlib_of(std::string(100, '\0')));
  EXPECT_EQ(decode(more + kEnd).note, "its data decompress to more than the 2 bytes of its pixels");
  more.back() ^= 1;
  EXPECT_THAT(error_in(more + kEnd), HasSubstr("a checksum is wrong at byte 33"));
  // A palette has no second checksum.
  std::string palette = png_chunk("PLTE", "abc");
  palette.back() ^= 1;
  EXPECT_THAT(error_in(png(png_header(1, 1, 8, 3), png_rows({{0}}, 8), palette)),
              HasSubstr("a checksum is wrong"));
}

TEST(Png, whose_header_makes_no_sense_is_refused) {
  const std::string pixel = png_rows({{0}}, 8);
  EXPECT_THAT(error_in(png(png_header(1, 1, 8, 7), pixel)),
              HasSubstr("colour type 7 with 8 bits does not exist"));
  EXPECT_THAT(error_in(png(png_header(1, 1, 3, 0), pixel)), HasSubstr("colour type 0 with 3 bits"));
  EXPECT_THAT(error_in(png(png_header(1, 1, 16, 3), pixel)), HasSubstr("colour type 3 with 16 bits"));
  EXPECT_THAT(error_in(png(png_header(0, 1, 8, 0), pixel)), HasSubstr("claims 0 x 1 pixels"));
  EXPECT_THAT(error_in(png(png_header(1, 1, 8, 3), pixel)), HasSubstr("its palette makes no sense"));
  EXPECT_THAT(error_in(png(png_header(1, 1, 8, 3), pixel, png_chunk("PLTE", "ab"))), HasSubstr("palette"));
  EXPECT_THAT(error_in(png(png_header(1, 1, 8, 0), pixel, png_header(1, 1, 8, 0).substr(8))),
              HasSubstr("no decoder knows the chunk at byte 33"));
  EXPECT_THAT(error_in(png(png_header(1, 1, 8, 0), pixel, png_chunk("X\nYZ", "ab"))),
              HasSubstr("no decoder knows the chunk at byte 33"));
  EXPECT_THAT(decode(png(png_header(1, 1, 8, 0), pixel, png_chunk("teXt", "a comment"))).rgb,
              ElementsAre(0, 0, 0));
}

}  // namespace
}  // namespace data
