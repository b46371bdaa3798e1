#include "engine/io/lines.h"

#include <gmock/gmock.h>

#include "tests/engine/io/temporary_folder.h"

namespace engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> lines_of(const std::string& text, std::size_t longest = 5) {
  const TemporaryFolder folder;
  put(folder / "text", text);
  std::vector<std::string> lines;
  for_each_line(folder / "text", longest, [&](std::string_view line) { lines.emplace_back(line); });
  return lines;
}

TEST(Lines, come_without_their_ends_and_the_last_one_may_have_none) {
  EXPECT_THAT(lines_of(""), IsEmpty());
  EXPECT_THAT(lines_of("a\n\nbc\n"), ElementsAre("a", "", "bc"));
  EXPECT_THAT(lines_of("a\nbc"), ElementsAre("a", "bc"));
}

TEST(Lines, that_are_too_long_are_left_out) {
  EXPECT_THAT(lines_of("12345\n123456\nb\n"), ElementsAre("12345", "b"));
  EXPECT_THAT(lines_of("a\n123456"), ElementsAre("a"));
  EXPECT_THAT(lines_of(std::string(1 << 20, 'x') + "\na\n"), ElementsAre("a"));
}

TEST(Lines, cross_the_pieces_in_which_a_file_is_read) {
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 30'000; ++i) {
    expected.push_back(std::to_string(i * 7919));
    text += expected.back() + '\n';
  }
  ASSERT_GT(text.size(), 3u << 16);
  EXPECT_EQ(lines_of(text, 100), expected);
  for (const std::size_t size : {65'535, 65'536, 65'537}) {
    const std::string long_line(size - 1, 'x');
    EXPECT_EQ(lines_of(long_line + "\nb\n", 1 << 20), std::vector<std::string>({long_line, "b"})) << size;
  }
}

}  // namespace
}  // namespace engine
