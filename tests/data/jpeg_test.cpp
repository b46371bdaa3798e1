#include <gmock/gmock.h>

#include "tests/data/jpeg_bytes.h"
#include "tests/support/memory_limit.h"

namespace data {
namespace {

using support::MemoryLimit;
using testing::AllOf;
using testing::Each;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::size_t kMegabyte = 1'000'000;

/// Samples that change slowly, so that a JPEG keeps them.
std::vector<std::uint8_t> gradient(Index width, Index height, Index channels) {
  std::vector<std::uint8_t> pixels;
  for (Index y = 0; y < height; ++y)
    for (Index x = 0; x < width; ++x)
      for (Index c = 0; c < channels; ++c)
        pixels.push_back(static_cast<std::uint8_t>(20 + 5 * x + 3 * y + 9 * c));
  return pixels;
}

/// The largest difference of two images of a size.
int difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.rgb.size(), b.rgb.size());
  int largest = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) largest = std::max(largest, std::abs(a.rgb[i] - b.rgb[i]));
  return largest;
}

TEST(Jpeg, baseline_and_progressive_ones_are_the_same_image) {
  const auto pixels = gradient(20, 13, 3);
  const Image image = decode(jpeg(20, 13, pixels));
  EXPECT_EQ(image, decode(jpeg(20, 13, pixels, {.progressive = true})));
  Image original(20, 13);
  original.rgb = pixels;
  EXPECT_LE(difference(image, original), 8);
}

TEST(Jpeg, of_an_unknown_revision_of_jfif_is_the_same_image) {
  std::string bytes = jpeg(20, 13, gradient(20, 13, 3));
  const Image image = decode(bytes);
  const std::size_t at = bytes.find("JFIF");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 5] = 7;
  EXPECT_EQ(decode(bytes), image);
}

TEST(Jpeg, in_four_colours_is_taken_for_inverted_ink) {
  const auto ink = gradient(16, 16, 4);
  const Image cmyk = decode(jpeg(16, 16, ink, {.samples = JCS_CMYK, .stored = JCS_CMYK})),
              ycck = decode(jpeg(16, 16, ink, {.samples = JCS_CMYK, .stored = JCS_YCCK}));
  EXPECT_LE(difference(cmyk, ycck), 8);
  Image expected(16, 16);  // what is left of white after the ink
  for (std::size_t i = 0; i < expected.rgb.size(); ++i)
    expected.rgb[i] = static_cast<std::uint8_t>(ink[i / 3 * 4 + i % 3] * ink[i / 3 * 4 + 3] / 255);
  EXPECT_LE(difference(cmyk, expected), 4);
}

TEST(Jpeg, of_a_kind_that_is_not_read_says_so) {
  const std::string arithmetic = jpeg(16, 16, gradient(16, 16, 3), {.arithmetic = true}),
                    both = jpeg(16, 16, gradient(16, 16, 3), {.progressive = true, .arithmetic = true});
  for (const std::string& bytes : {arithmetic, both})
    EXPECT_EQ(error_in(bytes), "x: is a JPEG with arithmetic coding; those with Huffman coding are read");
  EXPECT_EQ(
      error_in(kJpegStart + jpeg_frame('\xc1', 12, 8, 8) + jpeg_scan("\1")),
      "x: is an unusual JPEG: Unsupported JPEG data precision 12; baseline and progressive ones are read");
  EXPECT_EQ(error_in(kJpegStart + jpeg_frame('\xc3', 8, 8, 8)),
            "x: is an unusual JPEG: Unsupported JPEG process: SOF type 0xc3; baseline and progressive ones "
            "are read");
  EXPECT_THAT(error_in(kJpegStart + jpeg_frame('\xc0', 8, 8, 8, 2) + jpeg_scan("\1\2")),
              HasSubstr("is a JPEG with 2 colour channels; 1, 3 or 4 are read"));
}

// A gray half would teach a model nothing true.
TEST(Jpeg, cut_off_anywhere_is_an_error_and_never_a_gray_half) {
  for (const bool progressive : {false, true}) {
    const std::string bytes = jpeg(24, 24, gradient(24, 24, 3), {.progressive = progressive});
    for (std::size_t size = 3; size < bytes.size(); ++size) {
      EXPECT_THAT(error_in(bytes.substr(0, size)), StartsWith("x: is a damaged JPEG: ")) << size;
      // As a program leaves it that repairs the end.
      if (!progressive && size < bytes.size() - 4) {
        EXPECT_THAT(error_in(bytes.substr(0, size) + kJpegEnd), StartsWith("x: is a damaged JPEG: ")) << size;
      }
    }
  }
}

TEST(Jpeg, without_a_scan_of_one_of_its_colours_is_an_error) {
  const std::string start = kJpegStart + kJpegDivisors + jpeg_frame('\xc0', 8, 8, 8, 3) +
                            jpeg_table('\x00', '\0') + jpeg_table('\x10', '\0');
  auto scan = [](const char* channel) { return jpeg_scan(channel) + '\x3f'; };
  EXPECT_THAT(decode(start + scan("\1") + scan("\2") + scan("\3") + kJpegEnd).rgb, Each(128));
  EXPECT_EQ(error_in(start + scan("\1") + scan("\3") + kJpegEnd),
            "x: is a damaged JPEG: no scan has colour channel 2");
}

TEST(Jpeg, with_damaged_tables_is_an_error) {
  // Sixteen counts that sum to 4080 where a table holds 256 codes: stb_image 2.27 writes past its array.
  const std::string table = "\xff\xc4" + big16(2 + 17 + 4080) + std::string(1, '\0') +
                            std::string(16, '\xff') + std::string(4080, '\0');
  EXPECT_THAT(error_in(kJpegStart + table), HasSubstr("x: is a damaged JPEG"));
  EXPECT_THAT(error_in(kJpegStart + table + jpeg_frame('\xc0', 8, 8, 8)), HasSubstr("x: is a damaged JPEG"));
}

TEST(Jpeg, that_claims_more_than_it_holds_takes_no_memory) {
  const MemoryLimit limit(16 * kMegabyte);
  EXPECT_EQ(error_in(kJpegStart + jpeg_frame('\xc0', 8, 60000, 60000) + jpeg_scan("\1")),
            "x: claims 60000 x 60000 pixels; at most 64 million are read");
  for (const char process : {'\xc0', '\xc2'}) {
    const std::string bytes =
        kJpegStart + kJpegDivisors + jpeg_frame(process, 8, 8000, 8000, 3) + jpeg_scan("\1\2\3");
    EXPECT_EQ(error_in(bytes), "x: is a damaged JPEG: it claims 8000 x 8000 pixels, more than " +
                                   std::to_string(bytes.size()) + " bytes can hold");
  }
}

/// A progressive image in one gray tone whose first scan is whole; `more` scans follow.
std::string in_scans(std::uint32_t side, const std::string& more) {
  const std::uint32_t blocks = (side / 8) * (side / 8);
  return kJpegStart + kJpegDivisors + jpeg_frame('\xc2', 8, side, side) + jpeg_table('\x00', '\0') +
         jpeg_table('\x10', '\0') + jpeg_scan("\1", 0, 0) + std::string(blocks / 8, '\0') +
         (blocks % 8 > 0 ? std::string(1, static_cast<char>(0xff >> blocks % 8)) : "") + more + kJpegEnd;
}

// Every scan is legal: each of the 63 AC coefficients comes bit by bit, in 14 scans.
TEST(Jpeg, in_hundreds_of_scans_is_refused) {
  auto scan = [](int coefficient, int bits) {
    return jpeg_scan("\1", coefficient, coefficient, bits) + '\x7f';
  };
  EXPECT_THAT(decode(in_scans(8, scan(1, 0) + scan(2, 0))).rgb, AllOf(testing::SizeIs(8 * 8 * 3), Each(128)));
  std::string scans;
  for (int k = 1; k < 64; ++k)
    for (int low = 13; low >= 0; --low) scans += scan(k, low == 13 ? 13 : (low + 1) << 4 | low);
  EXPECT_EQ(error_in(in_scans(8, scans)), "x: is a damaged JPEG: more than 500 scans");
}

// A scan over a million blocks takes a few dozen bytes: it announces how many of them end at once.
TEST(Jpeg, of_many_pixels_in_many_scans_is_refused) {
  const std::string table =
      jpeg_table('\x10', '\xe0');  // the code 0 and 14 bits: 2^14 + these many blocks end
  auto scan = [](int coefficient, Index blocks) {
    std::string bits;
    for (; blocks > 0; blocks -= (1 << 15) - 1) {
      const Index run = std::clamp<Index>(blocks, 1 << 14, (1 << 15) - 1);
      bits += '0';
      for (int bit = 13; bit >= 0; --bit) bits += (run >> bit & 1) != 0 ? '1' : '0';
    }
    while (bits.size() % 8 != 0) bits += '1';
    std::string bytes;
    for (std::size_t at = 0; at < bits.size(); at += 8) {
      bytes += static_cast<char>(std::stoi(bits.substr(at, 8), nullptr, 2));
      if (bytes.back() == '\xff') bytes += '\0';
    }
    return jpeg_scan("\1", coefficient, coefficient) + bytes;
  };
  std::string few = table, many = table;
  for (int k = 1; k < 25; ++k) {
    few += scan(k, 100 * 100);
    many += scan(k, 1000 * 1000);
  }
  EXPECT_THAT(decode(in_scans(800, few)).rgb, Each(128));
  EXPECT_EQ(error_in(in_scans(8000, many)), "x: is a damaged JPEG: more than 20 scans");
}

TEST(Jpeg, may_have_padding_after_its_last_pixel) {
  std::string bytes = jpeg(24, 24, gradient(24, 24, 3));
  const Image image = decode(bytes);
  bytes.insert(bytes.size() - 2, std::string(7, '\0'));
  EXPECT_EQ(decode(bytes), image);
  EXPECT_EQ(decode(bytes + "and more after the end"), image);
}

// One of every warning of libjpeg-turbo that a decoder can meet here. Those that touch no pixel first.

/// The image of `bytes` is that of `sound`, and its note says what is wrong.
void expect_noted(const std::string& bytes, const std::string& sound, const std::string& note) {
  const Image image = decode(sound);
  EXPECT_EQ(image.note, "");
  EXPECT_EQ(decode(bytes), image);
  EXPECT_THAT(decode(bytes).note, HasSubstr(note));
}

std::string sound_jpeg(const JpegForm& form = {}) {
  return jpeg(40, 40, gradient(40, 40, 3), form);
}

/// The place of the parameters of the first scan, which are Ss, Se and Ah with Al.
std::size_t scan_parameters(const std::string& bytes) {
  const std::size_t at = bytes.find("\xff\xda");
  return at + 5 + 2 * static_cast<unsigned char>(bytes[at + 4]);
}

TEST(JpegWarning, parameters_of_a_baseline_scan_are_a_note) {
  const std::string sound = sound_jpeg();
  for (const std::string& parameters : {std::string("\0\0\0", 3), std::string("\1\77\0", 3),
                                        std::string("\0\77\x10", 3), std::string("\0\77\1", 3)}) {
    std::string bytes = sound;
    bytes.replace(scan_parameters(bytes), 3, parameters);
    expect_noted(bytes, sound, "Invalid SOS parameters for sequential JPEG");
  }
}

TEST(JpegWarning, an_unknown_revision_of_jfif_is_a_note) {
  const std::string sound = sound_jpeg();
  std::string bytes = sound;
  bytes[bytes.find("JFIF") + 5] = 7;
  expect_noted(bytes, sound, "Warning: unknown JFIF revision number 7.01");
}

TEST(JpegWarning, an_unknown_transform_of_adobe_is_a_note) {
  const std::string sound = sound_jpeg();
  const auto with = [&](char transform) {  // instead of the header of JFIF, which would win
    const std::string adobe = "\xff\xee" + big16(14) + "Adobe" + std::string("\0\x64\0\0\0\0", 6) + transform;
    return std::string(sound).replace(2, 18, adobe);
  };
  expect_noted(with(9), with(1), "Unknown Adobe color transform code 9");
}

TEST(JpegWarning, bytes_between_segments_are_a_note) {
  const std::string sound = sound_jpeg(), scans = sound_jpeg({.progressive = true});
  const std::string more(20, 'a');  // than the decoder reads ahead without a word
  std::string bytes = sound;
  bytes.insert(bytes.find("\xff\xdb"), "abc");
  expect_noted(bytes, sound, "Corrupt JPEG data: 3 extraneous bytes before marker 0xdb");
  bytes = sound;
  bytes.insert(bytes.size() - 2, more);
  expect_noted(bytes, sound, "extraneous bytes before marker 0xd9");
  bytes = scans;
  bytes.insert(bytes.find("\xff\xc4", bytes.find("\xff\xda")), more);  // behind the first scan
  expect_noted(bytes, scans, "extraneous bytes before marker 0xc4");
}

/// A progressive image of one block: the scan of its mean, and one of another coefficient.
std::string two_scans(const std::string& first, const std::string& second) {
  return kJpegStart + kJpegDivisors + jpeg_frame('\xc2', 8, 8, 8) + jpeg_table('\x00', '\0') +
         jpeg_table('\x10', '\0') + first + second + kJpegEnd;
}

TEST(JpegWarning, a_mean_that_comes_late_is_a_note_and_one_that_never_comes_an_error) {
  const std::string mean = jpeg_scan("\1", 0, 0) + '\x7f', other = jpeg_scan("\1", 1, 1) + '\x7f';
  expect_noted(two_scans(other, mean), two_scans(mean, other),
               "Inconsistent progression sequence for component 0 coefficient 0");
  EXPECT_EQ(error_in(two_scans(other, "")),
            "x: is a damaged JPEG: no scan has the means of colour channel 1");
}

TEST(JpegWarning, bits_of_a_coefficient_in_the_wrong_order_are_an_error) {
  const std::string mean = jpeg_scan("\1", 0, 0) + '\x7f';
  EXPECT_EQ(error_in(two_scans(mean, jpeg_scan("\1", 1, 1, 2 << 4 | 1) + '\x7f')),
            "x: is a damaged JPEG: Inconsistent progression sequence for component 0 coefficient 1");
}

TEST(JpegWarning, a_scan_that_ends_before_its_pixels_is_an_error) {
  const std::string bytes = sound_jpeg();
  EXPECT_EQ(error_in(bytes.substr(0, bytes.size() - 40) + kJpegEnd),
            "x: is a damaged JPEG: Corrupt JPEG data: premature end of data segment");
}

TEST(JpegWarning, a_file_without_its_end_is_an_error) {
  const std::string bytes = sound_jpeg();
  EXPECT_EQ(error_in(bytes.substr(0, bytes.size() - 2)), "x: is a damaged JPEG: Premature end of JPEG file");
}

TEST(JpegWarning, a_code_that_no_table_has_is_an_error) {
  const std::string start = kJpegStart + kJpegDivisors + jpeg_frame('\xc0', 8, 8, 8) +
                            jpeg_table('\x00', '\0') + jpeg_table('\x10', '\0') + jpeg_scan("\1");
  EXPECT_THAT(decode(start + '\x3f' + kJpegEnd).rgb, Each(128));
  EXPECT_EQ(error_in(start + std::string(3, '\xfe') + kJpegEnd),
            "x: is a damaged JPEG: Corrupt JPEG data: bad Huffman code");
}

/// Two blocks of gray, with a restart between them that is called `restart`.
std::string restarted(const std::string& between, char restart) {
  return kJpegStart + kJpegDivisors + jpeg_frame('\xc0', 8, 16, 8) + jpeg_table('\x00', '\0') +
         jpeg_table('\x10', '\0') + "\xff\xdd" + big16(4) + big16(1) + jpeg_scan("\1") + '\x3f' + between +
         '\xff' + restart + '\x3f' + kJpegEnd;
}

TEST(JpegWarning, restarts_that_are_not_where_they_should_be_are_an_error) {
  EXPECT_THAT(decode(restarted("", '\xd0')).rgb, Each(128));
  EXPECT_EQ(error_in(restarted("", '\xd3')),
            "x: is a damaged JPEG: Corrupt JPEG data: found marker 0xd3 instead of RST0");
  EXPECT_THAT(error_in(restarted(std::string(20, 'a'), '\xd0')),
              AllOf(StartsWith("x: is a damaged JPEG: "), EndsWith("extraneous bytes before marker 0xd0")));
}

}  // namespace
}  // namespace data
