#include "engine/io/file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <array>

#include "engine/io/sha256.h"
#include "tests/engine/io/temporary_folder.h"

namespace engine {
namespace {

using testing::HasSubstr;

std::string read(const File& file, std::uint64_t offset, std::size_t count) {
  std::string text(count, '?');
  file.read_at(offset, std::as_writable_bytes(std::span(text)));
  return text;
}

TEST(File, reads_any_range_inside) {
  const TemporaryFolder folder;
  File file(put(folder / "a", "0123456789"));
  EXPECT_EQ(file.size(), 10u);
  EXPECT_EQ(read(file, 3, 4), "3456");
  EXPECT_EQ(read(file, 10, 0), "");
  const File moved = std::move(file);
  EXPECT_EQ(read(moved, 0, 10), "0123456789");
}

TEST(File, rejects_ranges_outside) {
  const TemporaryFolder folder;
  const File file(put(folder / "a", "0123456789"));
  EXPECT_THROW(read(file, 8, 3), Error);
  EXPECT_THROW(read(file, 11, 0), Error);
  EXPECT_THROW(read(file, ~std::uint64_t{0}, 2), Error);  // offset + size wraps to 1
}

TEST(File, notices_a_file_that_became_shorter) {
  const TemporaryFolder folder;
  const File file(put(folder / "a", "0123456789"));
  std::filesystem::resize_file(folder / "a", 5);
  EXPECT_THAT(message_of<Error>([&] { read(file, 0, 10); }), HasSubstr("became shorter"));
}

TEST(File, says_why_it_cannot_be_opened) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<Error>([&] { File(folder / "none"); }), HasSubstr("no such file or folder"));
  EXPECT_THAT(message_of<Error>([&] { File(folder.path()); }), HasSubstr("is a folder, not a file"));
  const auto pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(message_of<Error>([&] { File{pipe}; }), HasSubstr("is not a regular file"));
  EXPECT_THAT(message_of<Error>([&] { File("/dev/zero"); }), HasSubstr("is not a regular file"));
}

TEST(File, says_when_it_may_not_be_read) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TemporaryFolder folder;
  const auto secret = put(folder / "secret", "x");
  std::filesystem::permissions(secret, std::filesystem::perms::none);
  EXPECT_THAT(message_of<Error>([&] { File{secret}; }), HasSubstr("Permission denied"));
}

TEST(ReadFile, gives_everything_up_to_the_limit) {
  const TemporaryFolder folder;
  const auto path = put(folder / "a", std::string("a\0b", 3));
  EXPECT_EQ(read_file(path, 3), std::string("a\0b", 3));
  EXPECT_THAT(message_of<Error>([&] { read_file(path, 2); }), HasSubstr("more than the 2 allowed"));
  EXPECT_EQ(read_file(put(folder / "b", ""), 0), "");
}

TEST(Sha256, matches_the_published_answers) {  // FIPS 180-2, appendix B
  const auto hash = [](std::string_view text) {
    Sha256 of;
    of.add(std::as_bytes(std::span(text)));
    return of.hex();
  };
  EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, of_a_file_does_not_depend_on_the_pieces) {
  const TemporaryFolder folder;
  const std::string million(1000000, 'a');
  EXPECT_EQ(sha256(put(folder / "a", million)),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace engine
