#include "data/decode.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <zlib.h>

#include "tests/data/support.h"

namespace data {
namespace {

using testing::HasSubstr;

Image decode(const std::string& bytes, const std::string& name = "x") {
  return decode_image(std::as_bytes(std::span(bytes)), name);
}
std::string error(const std::string& bytes, const std::string& name = "x") {
  return error_of([&] { decode(bytes, name); });
}

std::string big_endian(std::uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
          static_cast<char>(v)};
}
std::string little_endian(std::uint32_t v) {
  const std::string big = big_endian(v);
  return {big.rbegin(), big.rend()};
}
std::string big16(std::uint32_t v) {
  return big_endian(v).substr(2);
}

std::string png_chunk(const std::string& type, const std::string& content) {
  const std::string body = type + content;
  return big_endian(static_cast<std::uint32_t>(content.size())) + body +
         big_endian(crc32_of(body.data(), body.size()));
}
std::string png_header(std::uint32_t width, std::uint32_t height, char bits, char color) {
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", big_endian(width) + big_endian(height) +
                                                     std::string{bits, color, '\0', '\0', '\0'});
}
/// The zlib form of bytes that are not compressed.
std::string stored(const std::string& content) {
  std::uint32_t a = 1, b = 0;
  for (char c : content) a = (a + static_cast<unsigned char>(c)) % 65521, b = (b + a) % 65521;
  const std::string size = little_endian(static_cast<std::uint32_t>(content.size())).substr(0, 2);
  const std::string inverse = little_endian(~static_cast<std::uint32_t>(content.size())).substr(0, 2);
  return "\x78\x01\x01" + size + inverse + content + big_endian(b << 16 | a);
}

/// A JPEG of nothing but a start and a frame header.
std::string jpeg_frame(char marker, char bits, std::uint32_t width, std::uint32_t height) {
  return std::string("\xff\xd8\xff") + marker + big16(11) + bits + big16(height) + big16(width) +
         std::string("\x01\x01\x11\x00", 4);
}

TEST(Decode, has_no_pixel_that_differs_from_pillow) {
  int cases = 0;
  for (std::istringstream& row : table("decode.txt")) {
    std::string name;
    Index width, height;
    std::uint32_t crc;
    ASSERT_TRUE(row >> name >> width >> height >> crc);
    const Image image = read_image(golden(name));
    EXPECT_EQ(image.width, width) << name;
    EXPECT_EQ(image.height, height) << name;
    EXPECT_EQ(crc32_of(image), crc) << name;
    ++cases;
  }
  EXPECT_GE(cases, 18);
}

TEST(Decode, has_no_pixel_that_differs_from_pillow_on_real_pictures) {
  const fs::path root = shared_folder() / "data";
  if (!fs::is_directory(root)) GTEST_SKIP() << "no real pictures: " << root << " does not exist";
  for (std::istringstream& row : table("real.txt")) {
    std::string name;
    Index width, height;
    std::uint32_t crc;
    ASSERT_TRUE(row >> name >> width >> height >> crc);
    const Image image = read_image(root / name);
    EXPECT_EQ(crc32_of(image), crc) << name;
  }
}

TEST(Decode, pnm_samples_are_scaled) {
  const std::vector<std::uint8_t> expected = {0, 0, 0, 128, 128, 128, 255, 255, 255};
  EXPECT_EQ(decode("P2\n# a comment\n3 1 # another\n4\n0 2 4").rgb, expected);
  EXPECT_EQ(decode(std::string("P5 3 1 4\n\0\2\4", 12)).rgb, expected);
  EXPECT_EQ(decode(std::string("P5 3 1 65535\n\0\0\x80\0\xff\xff", 19)).rgb, expected);
  EXPECT_EQ(decode("P3 1 1 255 1 20 255\n").rgb, (std::vector<std::uint8_t>{1, 20, 255}));
  EXPECT_EQ(decode("P6 1 1 255\nabc").rgb, (std::vector<std::uint8_t>{'a', 'b', 'c'}));
}

TEST(Decode, png_with_16_bits_keeps_the_high_byte) {
  const std::string row = std::string("\0\x12\xff\x34\x80\x56\x01", 7);  // no filter; red, green, blue
  const Image image =
      decode(png_header(1, 1, 16, 2) + png_chunk("IDAT", stored(row)) + png_chunk("IEND", ""));
  EXPECT_EQ(image.rgb, (std::vector<std::uint8_t>{0x12, 0x34, 0x56}));
}

TEST(Decode, says_what_a_file_is_instead) {
  const std::string is_not = "x: is not a JPEG, PNG, BMP or PPM/PGM picture";
  EXPECT_EQ(error("GIF89a..............."), is_not + " (looks like GIF)");
  EXPECT_EQ(error("RIFF\1\2\3\4WEBPVP8 "), is_not + " (looks like WebP)");
  EXPECT_EQ(error(std::string("II*\0abcd", 8)), is_not + " (looks like TIFF)");
  EXPECT_EQ(error("<!DOCTYPE html><html>not found"), is_not + " (looks like HTML)");
  EXPECT_EQ(error("P4 8 1\n."), is_not + " (looks like PBM, a bitmap)");
  EXPECT_EQ(error("no picture at all"), is_not);
  EXPECT_EQ(error("P"), is_not);
  EXPECT_EQ(error(""), "x: is empty, not a JPEG, PNG, BMP or PPM/PGM picture");
}

TEST(Decode, too_many_pixels_are_refused_before_memory_is_taken) {
  const std::string says = "huge: claims 60000 x 60000 pixels; at most 64 million are read";
  EXPECT_EQ(error(png_header(60000, 60000, 8, 2) + png_chunk("IEND", ""), "huge"), says);
  EXPECT_EQ(error("P6 60000 60000 255\n", "huge"), says);
  EXPECT_EQ(error("P3 60000 60000 255\n", "huge"), says);
  EXPECT_EQ(error("BM" + std::string(8, '\0') + little_endian(54) + little_endian(40) + little_endian(60000) +
                      little_endian(60000) + std::string("\1\0\30\0", 4) + std::string(24, '\0'),
                  "huge"),
            says);
  EXPECT_EQ(error(jpeg_frame('\xc0', 8, 60000, 60000) + "\xff\xda" + big16(8) +
                      std::string("\x01\x01\x00\x00\x3f\x00", 6),
                  "huge"),
            says);
  EXPECT_THAT(error(png_header(0xffffffff, 0xffffffff, 8, 2) + png_chunk("IEND", "")),
              HasSubstr("64 million"));
  EXPECT_THAT(error("P5 999999999 999999999 255\n"), HasSubstr("64 million"));
  EXPECT_THAT(error("P5 99999999999999999999 1 255\n"), HasSubstr("too large"));
  EXPECT_THAT(error("P5 0 4 255\n"), HasSubstr("0 x 4"));
}

// 4 x 4 pixels, whose kilobytes of data unfold to 16 MB.
TEST(Decode, a_png_bomb_is_refused) {
  const std::string zeros(16 << 20, '\0');
  std::string packed(compressBound(zeros.size()), '\0');
  uLongf size = packed.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                     reinterpret_cast<const Bytef*>(zeros.data()), zeros.size()),
            Z_OK);
  packed.resize(size);
  EXPECT_EQ(error(png_header(4, 4, 8, 2) + png_chunk("IDAT", packed) + png_chunk("IEND", "")),
            "x: is a damaged or unusual PNG file: Out of memory");
}

TEST(Decode, hostile_and_unusual_jpegs_are_errors) {
  // Sixteen counts that sum to 4080 where a table holds 256 codes: stb_image 2.27 writes past its array.
  const std::string table = std::string("\xff\xc4") + big16(2 + 17 + 4080) + std::string(1, '\0') +
                            std::string(16, '\xff') + std::string(4080, '\0');
  EXPECT_THAT(error("\xff\xd8" + table), HasSubstr("x: is a damaged JPEG"));
  EXPECT_THAT(error("\xff\xd8" + table + jpeg_frame('\xc0', 8, 8, 8).substr(2)),
              HasSubstr("x: is a damaged JPEG"));
  EXPECT_THAT(error(jpeg_frame('\xc1', 12, 8, 8) + "\xff\xda" + big16(8) +
                    std::string("\x01\x01\x00\x00\x3f\x00", 6)),
              HasSubstr("x: is a damaged JPEG: Unsupported JPEG data precision 12"));
  EXPECT_THAT(error(jpeg_frame('\xc3', 8, 8, 8)),
              HasSubstr("x: is a damaged JPEG: Unsupported JPEG process"));
}

// Every scan is legal: each of the 63 AC coefficients comes bit by bit, in 14 scans.
TEST(Decode, a_jpeg_with_hundreds_of_scans_is_refused) {
  auto table = [](char id) {  // a single code, 0, for the symbol 0: no difference, or end of block
    return "\xff\xc4" + big16(2 + 17 + 1) + id + '\1' + std::string(15, '\0') + '\0';
  };
  auto scan = [](int coefficient, int bits) {
    const auto k = static_cast<char>(coefficient), bits_before = static_cast<char>(bits);
    return "\xff\xda" + big16(8) + std::string("\1\1\0", 3) + k + k + bits_before + '\x7f';
  };
  std::string bytes = "\xff\xd8\xff\xdb" + big16(2 + 65) + '\0' + std::string(64, '\1');
  bytes += jpeg_frame('\xc2', 8, 8, 8).substr(2) + table('\x00') + table('\x10') + scan(0, 0);
  const std::string few = bytes + scan(1, 0) + scan(2, 0) + "\xff\xd9";
  EXPECT_EQ(decode(few).rgb, std::vector<std::uint8_t>(8 * 8 * 3, 128));
  for (int k = 1; k < 64; ++k)
    for (int low = 13; low >= 0; --low) bytes += scan(k, low == 13 ? 13 : (low + 1) << 4 | low);
  EXPECT_EQ(error(bytes + "\xff\xd9"), "x: is a damaged JPEG: more than 500 scans");
}

TEST(Decode, padding_after_the_last_pixel_of_a_jpeg_is_harmless) {
  std::string bytes = read_text(golden("420.jpg"));
  const Image image = decode(bytes);
  bytes.insert(bytes.size() - 2, std::string(7, '\0'));
  EXPECT_EQ(decode(bytes), image);
  EXPECT_EQ(decode(bytes + "and more after the end"), image);
}

// A cut may only go unnoticed where nothing of the picture is missing.
TEST(Decode, every_cut_off_file_is_an_error) {
  for (std::istringstream& row : table("decode.txt")) {
    std::string name;
    row >> name;
    const std::string whole = read_text(golden(name));
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_THROW(decode(whole.substr(0, size), name), Error) << name << " cut to " << size;
  }
}

TEST(Decode, every_flipped_bit_loads_or_is_an_error) {
  for (std::istringstream& row : table("decode.txt")) {
    std::string name;
    row >> name;
    std::string bytes = read_text(golden(name));
    int errors = 0;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      const char mask = static_cast<char>(1 << (bit % 8));
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
      try {
        decode(bytes, name);
      } catch (const Error& e) {
        EXPECT_THAT(e.what(), testing::StartsWith(name + ": "));
        ++errors;
      }
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    }
    EXPECT_GT(errors, 0) << name;
  }
}

TEST(ReadImage, takes_only_regular_files) {
  const TemporaryFolder folder;
  const fs::path pipe = folder.path() / "pipe.png";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { read_image(pipe); }), pipe.string() + ": is not a regular file");
  EXPECT_THAT(error_of([&] { read_image("/dev/zero"); }), HasSubstr("/dev/zero: is not a regular file"));
  EXPECT_THAT(error_of([&] { read_image(folder.path()); }), HasSubstr("is not a regular file"));
  EXPECT_THAT(error_of([&] { read_image(folder.path() / "none.png"); }),
              HasSubstr("none.png: cannot be opened: No such file or directory"));
}

TEST(ReadImage, goes_by_content_not_by_name) {
  const TemporaryFolder folder;
  const Image image = noise("noise", 1, 4, 3);
  EXPECT_EQ(read_image(folder.write("a.jpg", ppm(image))), image);
}

}  // namespace
}  // namespace data
