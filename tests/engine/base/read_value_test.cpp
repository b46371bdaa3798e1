#include "engine/base/read_value.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace engine {
namespace {

std::string error(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(ReadValue, takes_whole_numbers_between_two_ends) {
  EXPECT_EQ(read_integer("--n", "1", 1, 9), 1);
  EXPECT_EQ(read_integer("--n", "9", 1, 9), 9);
  EXPECT_EQ(error([] { read_integer("--n", "0", 1, 9); }), "--n takes 1 or more, not 0");
  EXPECT_EQ(error([] { read_integer("--n", "10", 1, 9); }), "--n takes 9 or less, not 10");
  EXPECT_EQ(error([] { read_integer("--n", "1.5", 1, 9); }), "--n takes a whole number, not '1.5'");
}

TEST(ReadValue, takes_numbers_of_a_range) {
  struct Case {
    const NumberRange& range;
    std::vector<const char*> inside, outside;
    const char* words;
  };
  const Case cases[] = {{kPositive, {"1e-300", "7"}, {"0", "-1"}, "a number above 0"},
                        {kNonNegative, {"0", "7"}, {"-1e-300"}, "a number of 0 or more"},
                        {kShare, {"1e-300", "1"}, {"0", "1.0001"}, "a number in (0, 1]"},
                        {kShareOrNone, {"0", "1"}, {"-0.1", "1.0001"}, "a number in [0, 1]"},
                        {kProperShare, {"0.5"}, {"0", "1"}, "a number in (0, 1)"},
                        {kBelowOne, {"0", "0.999"}, {"1", "-0.1"}, "a number in [0, 1)"}};
  for (const Case& c : cases) {
    for (const char* text : c.inside) EXPECT_EQ(read_number("--x", text, c.range), std::stod(text));
    for (const char* text : c.outside)
      EXPECT_EQ(error([&] { read_number("--x", text, c.range); }),
                std::string("--x takes ") + c.words + ", not " + text);
  }
  EXPECT_EQ(error([] { read_number("--x", "inf", kPositive); }), "--x takes a number, not 'inf'");
}

TEST(ReadValue, takes_one_of_several_words) {
  const std::vector<std::string> choices{"row", "column"};
  EXPECT_EQ(read_choice("--axis", "column", choices), 1u);
  EXPECT_EQ(error([&] { read_choice("--axis", "rows", choices); }), "--axis takes row|column, not 'rows'");
}

TEST(ReadValue, takes_on_and_off) {
  for (const char* on : {"on", "true", "yes", "1"}) EXPECT_TRUE(read_switch("--s", on)) << on;
  for (const char* off : {"off", "false", "no", "0"}) EXPECT_FALSE(read_switch("--s", off)) << off;
  EXPECT_EQ(error([] { read_switch("--s", "maybe"); }), "--s takes on or off, not 'maybe'");
}

}  // namespace
}  // namespace engine
