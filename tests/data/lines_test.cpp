#include "data/lines.h"

#include <gmock/gmock.h>

#include "tests/data/support.h"

namespace data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> lines_of(const fs::path& path) {
  Lines lines(path);
  std::vector<std::string> all;
  while (const auto line = lines.next()) all.emplace_back(*line);
  return all;
}

TEST(Lines, end_as_on_any_system_and_the_last_need_not_end) {
  const TemporaryFolder folder;
  EXPECT_THAT(lines_of(folder.write("a", "one\ntwo\r\n\n\rthree\r")),
              ElementsAre("one", "two", "", "\rthree"));
  EXPECT_THAT(lines_of(folder.write("a", "\xef\xbb\xbfone\n\xef\xbb\xbftwo")),
              ElementsAre("one", "\xef\xbb\xbftwo"));
  EXPECT_THAT(lines_of(folder.write("a", "\xef\xbb\xbf")), ElementsAre());
  EXPECT_THAT(lines_of(folder.write("a", "\n")), ElementsAre(""));
  EXPECT_THAT(lines_of(folder.write("a", "")), ElementsAre());
}

// More than one piece of the file, with line ends everywhere in it.
TEST(Lines, are_the_same_however_the_file_is_read) {
  const TemporaryFolder folder;
  std::vector<std::string> expected;
  std::string text;
  for (std::size_t i = 0; text.size() < 400'000; i = (i * 31 + 7) % (Lines::kLongest + 1)) {
    expected.emplace_back(i, static_cast<char>('a' + i % 26));
    text += expected.back() + '\n';
  }
  EXPECT_EQ(lines_of(folder.write("a", text)), expected);
}

TEST(Lines, name_their_place_in_errors) {
  const TemporaryFolder folder;
  const fs::path path = folder.write(
      "a", "one\n" + std::string(Lines::kLongest, 'x') + "\n" + std::string(Lines::kLongest + 1, 'x'));
  Lines lines(path);
  EXPECT_EQ(lines.next(), "one");
  EXPECT_EQ(lines.next()->size(), Lines::kLongest);
  EXPECT_EQ(lines.where(), path.string() + ":2:");
  EXPECT_EQ(error_of([&] { lines.next(); }),
            path.string() + ":3: is longer than 8192 bytes; is this a text file?");
  Lines many(folder.write("c", std::string(Lines::kMost + 1, '\n')));
  for (Index i = 0; i < Lines::kMost; ++i) many.next();
  EXPECT_EQ(error_of([&] { many.next(); }),
            (folder.path() / "c").string() + ": has more than 20000000 lines");
  Lines nul(folder.write("b", std::string("a\0b\n", 4)));
  EXPECT_THAT(error_of([&] { nul.next(); }), HasSubstr("b:1: holds a NUL byte"));
}

}  // namespace
}  // namespace data
