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
