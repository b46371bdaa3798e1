#include "engine/base/text.h"

#include <gtest/gtest.h>

#include <limits>

namespace engine {
namespace {

using Words = std::vector<std::string>;

TEST(Split, cuts_at_every_separator) {
  EXPECT_EQ(split("a,b", ','), (Words{"a", "b"}));
  EXPECT_EQ(split("a,,b", ','), (Words{"a", "", "b"}));
  EXPECT_EQ(split("alone", ','), (Words{"alone"}));
  EXPECT_EQ(split("", ','), Words{});
}

TEST(Join, puts_the_separator_between_words_only) {
  EXPECT_EQ(join(Words{"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(join(Words{"a"}, ", "), "a");
  EXPECT_EQ(join(Words{}, ", "), "");
  EXPECT_EQ(join(split("x.y.z", '.'), "."), "x.y.z");
}

TEST(GlobMatch, a_star_stands_for_any_characters_and_a_question_mark_for_one) {
  EXPECT_TRUE(glob_match("blocks.*.attn.qkv.weight", "blocks.0.attn.qkv.weight"));
  EXPECT_TRUE(glob_match("blocks.*.attn.qkv.weight", "blocks.11.attn.qkv.weight"));
  EXPECT_FALSE(glob_match("blocks.*.attn.qkv.weight", "blocks.0.attn.qkv.bias"));
  EXPECT_TRUE(glob_match("blocks.?.*", "blocks.3.norm1.weight"));
  EXPECT_FALSE(glob_match("blocks.?.*", "blocks.11.norm1.weight"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("*", "anything.at.all"));
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_FALSE(glob_match("?", ""));
}

TEST(GlobMatch, must_fill_the_whole_name) {
  EXPECT_FALSE(glob_match("head", "head.weight"));
  EXPECT_FALSE(glob_match("weight", "head.weight"));
  EXPECT_TRUE(glob_match("*weight", "head.weight"));
  EXPECT_TRUE(glob_match("*w*", "head.weight"));
}

TEST(GlobMatch, tries_later_places_for_a_star) {
  EXPECT_TRUE(glob_match("*ab", "aab"));
  EXPECT_TRUE(glob_match("a*b*c", "aXbXbXc"));
  EXPECT_FALSE(glob_match("a*b*c", "aXcXb"));
  EXPECT_TRUE(glob_match("**a**", "bab"));
}

TEST(GlobMatch, is_quick_for_many_stars) {
  EXPECT_FALSE(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(EditDistance, counts_insertions_deletions_replacements_and_swaps) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("grft", "grft"), 0);
  EXPECT_EQ(edit_distance("grft", "gft"), 1);
  EXPECT_EQ(edit_distance("grft", "graft"), 1);
  EXPECT_EQ(edit_distance("grft", "grfx"), 1);
  EXPECT_EQ(edit_distance("grft", "grtf"), 1);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("abcdef", "badcfe"), 3);
}

TEST(EditDistance, is_the_same_both_ways) {
  for (const auto& [a, b] : {std::pair("lora", "alor"), std::pair("sift", "swift"), std::pair("", "x")})
    EXPECT_EQ(edit_distance(a, b), edit_distance(b, a)) << a << " " << b;
}

const Words kMethods{"adapter", "grft", "gps", "linear", "lora", "sift"};

TEST(Nearest, puts_the_name_that_is_spelt_most_alike_first) {
  EXPECT_EQ(nearest("lroa", kMethods, 1), (Words{"lora"}));
  EXPECT_EQ(nearest("gprs", kMethods, 1), (Words{"gps"}));
  EXPECT_EQ(nearest("grft", kMethods, 2).front(), "grft");
}

TEST(Nearest, counts_a_name_that_holds_the_word_as_near) {
  EXPECT_EQ(nearest("qkv", Words{"abc", "blocks.0.attn.qkv.weight"}, 1), (Words{"blocks.0.attn.qkv.weight"}));
}

TEST(Nearest, gives_no_more_than_asked_or_there_are) {
  EXPECT_EQ(nearest("x", kMethods, 2).size(), 2u);
  EXPECT_EQ(nearest("x", kMethods, 100).size(), kMethods.size());
  EXPECT_TRUE(nearest("x", Words{}, 3).empty());
}

TEST(Nearest, leaves_out_names_that_nobody_types) {
  const std::string longest(200, 'a'), longer(201, 'a'), endless(10'000'000, 'a');
  EXPECT_EQ(nearest("a", Words{endless, longer, longest, "b"}, 4), (Words{longest, "b"}));
  EXPECT_TRUE(nearest(endless, Words{endless, "b"}).empty());
}

TEST(Nearest, does_not_look_among_more_names_than_any_model_has) {
  EXPECT_EQ(nearest("b", Words(5000, "b")).size(), 3u);
  EXPECT_TRUE(nearest("b", Words(5001, "b")).empty());
}

TEST(DidYouMean, asks_or_stays_silent) {
  EXPECT_EQ(did_you_mean("lroa", Words{"lora"}), "; did you mean lora?");
  EXPECT_EQ(did_you_mean("lroa", Words{"lora", "lrob"}), "; did you mean lora, lrob?");
  EXPECT_EQ(did_you_mean("lroa", Words{}), "");
}

TEST(HumanBytes, uses_powers_of_a_thousand) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(512), "512 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(22'870'000), "22.9 MB");
  EXPECT_EQ(human_bytes(1.5e12), "1.5 TB");
  EXPECT_EQ(human_bytes(2e15), "2000.0 TB");
}

TEST(HumanBytes, moves_to_the_next_unit_when_rounding_does) {
  EXPECT_EQ(human_bytes(999'949), "999.9 kB");
  EXPECT_EQ(human_bytes(999'999), "1.0 MB");
}

TEST(HumanCount, separates_thousands) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1000), "1,000");
  EXPECT_EQ(human_count(5'717'416), "5,717,416");
  EXPECT_EQ(human_count(-123), "-123");
  EXPECT_EQ(human_count(-1234), "-1,234");
  EXPECT_EQ(human_count(std::numeric_limits<Index>::min()), "-9,223,372,036,854,775,808");
}

/// The text of the Error that `f` throws.
template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(ParseNumber, reads_decimal_numbers) {
  EXPECT_EQ(parse_number("0.001", "--lr"), 0.001);
  EXPECT_EQ(parse_number("1e-3", "--lr"), 0.001);
  EXPECT_EQ(parse_number("-2", "--lr"), -2);
}

TEST(ParseNumber, refuses_everything_else_by_name) {
  EXPECT_EQ(error_of([] { parse_number("fast", "--lr"); }), "--lr takes a number, not 'fast'");
  for (const char* text : {"", " 1", "1 ", "1x", "inf", "nan", "1e999", "0x10", "1,5", "--1"})
    EXPECT_THROW(parse_number(text, "--lr"), Error) << text;
}

TEST(ParseInteger, reads_whole_numbers) {
  EXPECT_EQ(parse_integer("42", "--steps"), 42);
  EXPECT_EQ(parse_integer("-7", "--steps"), -7);
  EXPECT_EQ(parse_integer("9223372036854775807", "--steps"), std::numeric_limits<Index>::max());
}

TEST(ParseInteger, refuses_everything_else_by_name) {
  EXPECT_EQ(error_of([] { parse_integer("2.5", "--steps"); }), "--steps takes a whole number, not '2.5'");
  for (const char* text : {"", " 1", "1 ", "1e3", "9223372036854775808", "0x1", "+1"})
    EXPECT_THROW(parse_integer(text, "--steps"), Error) << text;
}

TEST(OneLine, has_no_character_that_a_terminal_would_obey_and_all_others) {
  EXPECT_EQ(one_line("a\nb\x1b[1mc\x7f"
                     "d"),
            "a b [1mc d");
  EXPECT_EQ(one_line("\xc2\x9b"
                     "31m \xc2\xa0 \xc3\x9b \xe2\x82\xac \xf0\x9f\x98\x80"),
            "  31m \xc2\xa0 \xc3\x9b \xe2\x82\xac \xf0\x9f\x98\x80")
      << "C1, but not the same bytes within another character";
  EXPECT_EQ(one_line("a\x9b"
                     "b"),
            "a b")
      << "alone, it is C1 of an 8-bit terminal";
}

}  // namespace
}  // namespace engine
