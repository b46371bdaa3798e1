#include "engine/io/json.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "engine/base/check.h"
#include "tests/engine/io/temporary_folder.h"

namespace engine {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Json, keeps_values_and_the_order_of_keys) {
  const Json json = parse_json(R"( {"b": [1, -2, 2.5, true, null], "a": {"ü": "\u0000"}} )"
                               "\n",
                               "x");
  EXPECT_EQ(json.dump(), R"({"b":[1,-2,2.5,true,null],"a":{"ü":"\u0000"}})");
}

TEST(Json, rejects_what_is_not_strict) {
  struct Case {
    std::string text, message;
  };
  const std::vector<Case> cases = {
      {"", "line 1, column 1"},
      {"{\"a\":1,\n \"a\":2}", "key 'a' is given twice"},
      {R"({"o":{"a":1,"\u0061":2}})", "key 'a' is given twice in 'o'"},
      {R"([{"a":1,"a":1}])", "key 'a' is given twice"},
      {"\xef\xbb\xbf{}", "byte order mark"},
      {std::string("{}\0", 3), "line 1, column 3: a NUL byte"},
      {std::string(101, '[') + std::string(101, ']'), "more than 100"},
      {std::string(100000, '['), "more than 100"},
      {"{}x", "line 1, column 3"},
      {"{}{}", "line 1, column 3"},
      {"[1,\n2,]", "line 2, column 3"},
      {"[1] // note", "column 5"},
      {"/* note */ 1", "column 1"},
      {"\"\xff\"", "UTF-8"},
      {"\"\xc0\x80\"", "UTF-8"},
      {"\"\xed\xa0\x80\"", "UTF-8"},
      {R"("\ud800")", "surrogate"},
      {"\"\n\"", "control character"},
      {"NaN", "not valid JSON"},
      {"01", "not valid JSON"},
      {"1e999", "too large"},
      {"{'a':1}", "not valid JSON"},
  };
  for (const Case& c : cases) {
    const std::string message = message_of<Error>([&] { parse_json(c.text, "config.json"); });
    EXPECT_THAT(message, StartsWith("config.json: ")) << c.text;
    EXPECT_THAT(message, HasSubstr(c.message)) << c.text;
    EXPECT_LT(message.size(), 200u);
  }
}

TEST(Json, tells_the_place_behind_white_space) {
  EXPECT_THAT(message_of<Error>([] { parse_json("\n\n  [1,]", "x"); }), HasSubstr("line 3, column 6"));
  EXPECT_THAT(message_of<Error>([] { parse_json(std::string("\n \0", 3), "x"); }),
              HasSubstr("line 2, column 2"));
  EXPECT_THAT(message_of<Error>([] { parse_json(" \n ", "x"); }), HasSubstr("not valid JSON"));
}

TEST(Json, keeps_numbers_as_they_are) {
  const Json json =
      parse_json("[18446744073709551615,-9223372036854775808,0.1,1e308,-0,18446744073709551616]", "x");
  EXPECT_EQ(json.dump(), "[18446744073709551615,-9223372036854775808,0.1,1e+308,0,1.8446744073709552e+19]");
}

TEST(Json, takes_as_many_values_and_keys_as_a_model_may_have_and_no_more) {
  const auto list = [](std::size_t values) {
    std::string text = "[0";
    for (std::size_t i = 2; i < values; ++i) text += ",0";
    return text + "]";
  };
  EXPECT_EQ(parse_json(list(kMaxJsonValues), "x").size(), kMaxJsonValues - 1);
  EXPECT_THAT(message_of<Error>([&] { parse_json(list(kMaxJsonValues + 1), "x"); }),
              StartsWith("x: more than 1000000 values"));
  EXPECT_THAT(message_of<Error>([&] { parse_json('"' + std::string(25'000'000, 'a') + '"', "x"); }),
              StartsWith("x: a JSON text of 25000002 bytes is longer than the 25000000 allowed"));
}

TEST(Json, takes_objects_of_many_keys_without_comparing_each_with_all) {
  constexpr int kKeys = 300'000;  // 45,000,000,000 pairs
  std::string text = "{";
  for (int i = 0; i < kKeys; ++i) text += (i ? ",\"" : "\"") + std::to_string(i) + "\":0";
  EXPECT_EQ(parse_json(text + "}", "x").size(), static_cast<std::size_t>(kKeys));
}

TEST(Json, takes_a_hundred_levels) {
  EXPECT_EQ(parse_json(std::string(100, '[') + std::string(100, ']'), "x").size(), 1u);
}

TEST(Json, hides_control_characters_and_the_middle_of_long_keys) {
  const std::string key = R"("\n)" + std::string(5000, 'k') + "\"";
  const std::string message = message_of<Error>([&] { parse_json("{" + key + ":1," + key + ":2}", "x"); });
  EXPECT_THAT(message, HasSubstr("'\\x0akkk"));
  EXPECT_LT(message.size(), 200u);
}

TEST(Json, is_read_from_a_file) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_json(put(folder / "a.json", "{\"lr\": 0.5}"))["lr"], 0.5);
  const auto bad = put(folder / "b.json", "{");
  EXPECT_THAT(message_of<Error>([&] { read_json(bad); }), StartsWith(bad.string() + ": not valid JSON"));
}

}  // namespace
}  // namespace engine
