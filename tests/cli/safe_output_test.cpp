#include "tools/cli/safe_output.h"

#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "engine/base/text.h"

namespace cli {
namespace {

/// What comes out when the text is written in pieces of that size.
std::string written(const std::string& text, std::size_t piece) {
  std::ostringstream stream;
  {
    const SafeOutput safe(stream);
    for (std::size_t i = 0; i < text.size(); i += piece) stream << text.substr(i, piece);
  }
  return stream.str();
}

TEST(SafeOutput, keeps_text_lines_and_tabs) {
  const std::string text = "a\tb\n\xc3\xa9 \xc2\xa0 \xe2\x82\xac \xf0\x9f\x98\x80 \xc2";
  for (const std::size_t piece : {1u, 2u, 3u, 100u}) EXPECT_EQ(written(text, piece), text) << piece;
}

TEST(SafeOutput, makes_spaces_of_what_terminals_obey) {
  for (const std::size_t piece : {1u, 2u, 100u})
    EXPECT_EQ(written("a\x1b[31m\x07\r\x7f|\xc2\x9b|\x9b|\xc2\xc2\x85|z", piece), "a [31m   | | |\xc2 |z")
        << piece;
}

TEST(SafeOutput, has_no_control_character_whatever_is_written) {
  std::mt19937 random(1);
  const std::string bytes =
      "\xc2\x9b\x80\xc3\xe2\xf0\x1b\x7f"
      "a\xa9";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += bytes[random() % bytes.size()];
    const std::string out = written(text, 1 + random() % 4);
    EXPECT_EQ(out, engine::one_line(out)) << round;
  }
}

TEST(SafeOutput, gives_the_stream_back) {
  std::ostringstream stream;
  { const SafeOutput safe(stream); }
  stream << '\x1b';
  EXPECT_EQ(stream.str(), "\x1b");
}

}  // namespace
}  // namespace cli
