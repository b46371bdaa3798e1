#include "engine/io/zip.h"

#include <gmock/gmock.h>

#include "tests/engine/io/temporary_folder.h"
#include "tests/support/memory_limit.h"
#include "tests/support/zip_bytes.h"

namespace engine {
namespace {

using support::zip_of;
using support::ZipPart;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// The content of a member.
std::string content(const ZipArchive& archive, const ZipMember& member) {
  std::string bytes(static_cast<std::size_t>(member.size), '\0');
  archive.read(member, {std::as_writable_bytes(std::span(bytes))});
  return bytes;
}

std::string error_of(const std::string& bytes) {
  const TemporaryFolder folder;
  const auto path = put(folder / "x.zip", bytes);
  const std::string error = message_of<Error>([&] {
    const ZipArchive archive(path);
    for (const ZipMember& member : archive.members()) content(archive, member);
  });
  EXPECT_THAT(error, StartsWith(path.string() + ":"));
  return error;
}

const std::string kText = "some text, some text, some text, some text";

TEST(Zip, gives_stored_and_deflated_members_with_sizes_of_32_and_64_bits) {
  const TemporaryFolder folder;
  for (const bool zip64 : {false, true}) {
    for (const bool end64 : {false, true}) {
      const ZipArchive archive(put(folder / "x.zip", zip_of({{.name = "a", .content = kText, .zip64 = zip64},
                                                             {.name = "b", .content = kText, .deflate = true},
                                                             {.name = "empty", .content = ""}},
                                                            end64)));
      ASSERT_EQ(archive.members().size(), 3u);
      for (const int i : {0, 1}) {
        const ZipMember& member = archive.members()[static_cast<std::size_t>(i)];
        EXPECT_EQ(content(archive, member), kText);
        EXPECT_EQ(member.name, i == 0 ? "a" : "b");
        EXPECT_EQ(archive.read_start(member, 5).size(), 5u);
        EXPECT_EQ(archive.read_start(member, 500).size(), kText.size());
      }
      EXPECT_EQ(content(archive, archive.members()[2]), "");
    }
  }
}

TEST(Zip, with_a_comment_behind_it_is_read) {
  const TemporaryFolder folder;
  std::string bytes = zip_of({{.name = "a", .content = kText}});
  bytes.replace(bytes.size() - 2, 2, support::little(3, 2));
  EXPECT_EQ(ZipArchive(put(folder / "x.zip", bytes + "abc")).members().size(), 1u);
  EXPECT_THAT(error_of(bytes + "ab"), HasSubstr("no end record"));
}

TEST(Zip, refuses_what_is_packed_in_ways_that_are_not_read) {
  const auto refused = [](const ZipPart& part, const char* why) {
    EXPECT_THAT(error_of(zip_of({part})), AllOf(HasSubstr("member 'a'"), HasSubstr(why)));
  };
  refused({.name = "a", .content = kText, .flags = 1}, "is encrypted");
  refused({.name = "a", .content = kText, .flags = 1 << 13}, "is encrypted");
  refused({.name = "a", .content = kText, .method = 12}, "packed by method 12");
  refused({.name = "a", .content = kText, .disk = 1}, "another disk");
  std::string end = zip_of({{.name = "a", .content = kText}});
  end[end.size() - 18] = 1;
  EXPECT_THAT(error_of(end), HasSubstr("several disks"));
}

TEST(Zip, refuses_names_that_are_none_or_come_twice) {
  EXPECT_THAT(error_of(zip_of({{.name = "a", .content = ""}, {.name = "a", .content = ""}})),
              HasSubstr("two members are called 'a'"));
  for (const std::string& name :
       {std::string(), std::string("a\n"), std::string(513, 'a'), std::string("\xff")})
    EXPECT_THAT(error_of(zip_of({{.name = name, .content = ""}})), HasSubstr("ASCII characters"));
  EXPECT_THAT(error_of(zip_of({{.name = "a", .content = "", .local_name = "b"}})),
              HasSubstr("another name in its own header"));
}

TEST(Zip, refuses_sizes_that_its_bytes_cannot_have_before_anything_is_unpacked) {
  const std::string bomb = zip_of({{.name = "a", .content = std::string(50'000'000, '\0'), .deflate = true}});
  ASSERT_LT(bomb.size(), 100'000u);
  const support::MemoryLimit limit(32'000'000);
  const auto refused = [](const ZipPart& part) { return error_of(zip_of({part})); };
  EXPECT_THAT(refused({.name = "a", .content = kText, .size = 1'000'000'000}), HasSubstr("cannot hold"));
  EXPECT_THAT(refused({.name = "a", .content = kText, .packed = 1'000'000'000}), HasSubstr("cannot hold"));
  EXPECT_THAT(refused({.name = "a", .content = kText, .zip64 = true, .size = std::int64_t{1} << 62}),
              HasSubstr("cannot hold"));
  EXPECT_THAT(refused({.name = "a", .content = kText, .deflate = true, .size = 1'000'000}),
              HasSubstr("cannot hold"));
  EXPECT_THAT(error_of(bomb), HasSubstr("at most"));
}

TEST(Zip, refuses_members_that_share_bytes_or_lie_outside) {
  EXPECT_THAT(
      error_of(zip_of({{.name = "a", .content = kText}, {.name = "b", .content = kText, .offset = 0}})),
      HasSubstr("overlaps"));
  EXPECT_THAT(error_of(zip_of({{.name = "a", .content = kText, .offset = 1000}})), HasSubstr("lies outside"));
  EXPECT_THAT(error_of(zip_of({{.name = "a", .content = kText, .size = 90, .packed = 90}})),
              HasSubstr("is cut off"));
}

TEST(Zip, refuses_bytes_that_are_not_those_of_the_checksum_or_the_size) {
  EXPECT_THAT(error_of(zip_of({{.name = "a", .content = kText, .crc = 7}})), HasSubstr("CRC-32"));
  EXPECT_THAT(error_of(zip_of({{.name = "a", .content = kText, .deflate = true, .size = 5}})),
              HasSubstr("more than the 5 bytes"));
  EXPECT_THAT(error_of(zip_of({{.name = "a", .content = kText, .deflate = true, .size = 100}})),
              HasSubstr("cut off"));
  EXPECT_THAT(error_of(zip_of({{.name = "a", .content = kText, .method = 8}})), HasSubstr("is damaged"));
}

}  // namespace
}  // namespace engine
