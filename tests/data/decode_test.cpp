#include "data/codecs/decode.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/data/bytes.h"
#include "tests/data/jpeg_bytes.h"
#include "tests/data/png_bytes.h"
#include "tests/support/memory_limit.h"

namespace data {
namespace {

using support::MemoryLimit;
using testing::HasSubstr;

/// The files and pixels of every format.
std::vector<std::istringstream> all_files() {
  std::vector<std::istringstream> rows = table("decode.txt");
  for (std::istringstream& row : table("webp_gif.txt")) rows.push_back(std::move(row));
#ifdef ESPALIER_TIFF
  for (std::istringstream& row : table("tiff.txt")) rows.push_back(std::move(row));
#endif
  return rows;
}

TEST(Decode, has_no_pixel_that_differs_from_pillow) {
  int cases = 0;
  for (std::istringstream& row : all_files()) {
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
  EXPECT_GE(cases, 32);
}

TEST(Decode, has_no_pixel_that_differs_from_pillow_on_real_images) {
  const fs::path root = shared_folder() / "data";
  if (!fs::is_directory(root)) GTEST_SKIP() << "no real images: " << root << " does not exist";
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

TEST(Decode, says_what_a_file_is_instead) {
  const std::string is_not = "x: is not a JPEG, PNG, WebP, GIF, BMP or PPM/PGM image";
  EXPECT_EQ(error_in(std::string("\0\0\0 ftypavif....", 16)), is_not + " (looks like AVIF)");
  EXPECT_EQ(error_in(std::string("\0\0\0 ftypheic....", 16)), is_not + " (looks like HEIC)");
#ifndef ESPALIER_TIFF
  EXPECT_EQ(error_in(std::string("II*\0abcd", 8)), is_not + " (looks like TIFF)");
#endif
  EXPECT_EQ(error_in("<!DOCTYPE html><html>not found"), is_not + " (looks like HTML)");
  EXPECT_EQ(error_in("P4 8 1\n."), is_not + " (looks like PBM, a bitmap)");
  EXPECT_EQ(error_in("no image at all"), is_not);
  EXPECT_EQ(error_in("P"), is_not);
  EXPECT_EQ(error_in("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a"),
            is_not + " (looks like a pointer of Git LFS; git lfs pull gets the file)");
  EXPECT_EQ(error_in(""), "x: is empty, not a JPEG, PNG, WebP, GIF, BMP or PPM/PGM image");
}

TEST(Decode, pnm_that_claims_more_than_it_holds_takes_no_memory) {
  const MemoryLimit limit(16'000'000);
  EXPECT_EQ(error_in("P6 60000 60000 255\n", "huge"),
            "huge: claims 60000 x 60000 pixels; at most 64 million are read");
  EXPECT_THAT(error_in("P3 60000 60000 255\n"), HasSubstr("64 million"));
  EXPECT_THAT(error_in("P5 999999999 999999999 255\n"), HasSubstr("64 million"));
  EXPECT_THAT(error_in("P5 99999999999999999999 1 255\n"), HasSubstr("too large"));
  EXPECT_THAT(error_in("P5 0 4 255\n"), HasSubstr("0 x 4"));
  EXPECT_THAT(error_in("P5 8000 8000 255\n..."), HasSubstr("3 bytes of samples where 64000000 are needed"));
  EXPECT_THAT(error_in("P3 8000 8000 255\n1 2"), HasSubstr("is cut off"));
}

TEST(Decode, every_cut_off_file_is_an_error_or_has_a_note_where_no_pixel_is_missing) {
  for (std::istringstream& row : all_files()) {
    std::string name;
    row >> name;
    const std::string whole = read_text(golden(name));
    const Image image = decode(whole, name);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      try {
        const Image cut = decode(whole.substr(0, size), name);
        EXPECT_EQ(cut, image) << name << " cut to " << size;
        EXPECT_EQ(cut.note, engine::say("it is cut off after", size, "bytes")) << name;
      } catch (const Error&) {
      }
    }
  }
}

TEST(Decode, every_small_damage_loads_or_is_an_error_that_names_the_file) {
  std::vector<std::pair<std::string, std::string>> files{
      {"plain.pgm", "P2\n# gray\n2 2 255\n0 1\n2 3"},
      {"plain.ppm", "P3 1 2 99 1 20 99 3 4 5"},
      {"interlaced.png", png(png_header(2, 1, 8, 0, true), std::string("\0\1\0\2", 4))}};
  for (std::istringstream& row : all_files()) {
    std::string name;
    row >> name;
    files.emplace_back(name, read_text(golden(name)));
  }
  for (const auto& [name, bytes] : files) {
    const int errors = damage(bytes, [&, &name = name](const std::string& damaged) {
      try {
        decode(damaged, name);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), testing::StartsWith(name + ": "));
        throw;
      }
    });
    EXPECT_GT(errors, 0) << name;
  }
}

TEST(ReadImage, takes_only_regular_files_and_waits_for_nobody) {
  const TemporaryFolder folder;
  const Deadline deadline(20);
  const fs::path pipe = folder.path() / "pipe.png", address = folder.path() / "socket.png";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int listening = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
  address.string().copy(name.sun_path, sizeof name.sun_path - 1);
  ASSERT_EQ(::bind(listening, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  fs::create_symlink(folder.path() / "gone", folder.path() / "dangling.png");
  fs::create_symlink(folder.path() / "self.png", folder.path() / "self.png");
  fs::create_symlink("/dev/zero", folder.path() / "device.png");
  EXPECT_EQ(error_of([&] { read_image(pipe); }), pipe.string() + ": is not a regular file");
  EXPECT_THAT(error_of([&] { read_image(address); }), HasSubstr("socket.png: cannot be opened"));
  EXPECT_THAT(error_of([&] { read_image("/dev/zero"); }), HasSubstr("/dev/zero: is not a regular file"));
  EXPECT_THAT(error_of([&] { read_image(folder.path() / "device.png"); }),
              HasSubstr("is not a regular file"));
  EXPECT_THAT(error_of([&] { read_image(folder.path()); }), HasSubstr("is a folder"));
  EXPECT_THAT(error_of([&] { read_image(folder.path() / "none.png"); }),
              HasSubstr("none.png: cannot be opened"));
  EXPECT_THAT(error_of([&] { read_image(folder.path() / "dangling.png"); }), HasSubstr("cannot be opened"));
  EXPECT_THAT(error_of([&] { read_image(folder.path() / "self.png"); }), HasSubstr("cannot be opened"));
  ::close(listening);
}

TEST(ReadImage, does_not_read_a_large_file_that_is_no_image) {
  const TemporaryFolder folder;
  const fs::path film = folder.write("film.jpg", std::string("\0\0\0\x20"
                                                             "ftypisom",
                                                             12));
  fs::resize_file(film, 900 << 20);  // mostly a hole
  const fs::path endless = folder.write("endless.jpg", "\xff\xd8\xff");
  fs::resize_file(endless, std::uintmax_t{1} << 40);
  const MemoryLimit limit(64 << 20);
  EXPECT_THAT(error_of([&] { read_image(film); }),
              HasSubstr("is not a JPEG, PNG, WebP, GIF, BMP or PPM/PGM image"));
  EXPECT_THAT(error_of([&] { read_image(endless); }), HasSubstr("has 1.1 TB; at most 1.1 GB are read"));
}

TEST(ReadImage, goes_by_content_not_by_name) {
  const TemporaryFolder folder;
  const Image image = noise("noise", 1, 4, 3);
  EXPECT_EQ(read_image(folder.write("a.jpg", ppm(image))), image);
}

}  // namespace
}  // namespace data
