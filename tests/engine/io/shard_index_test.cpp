#include "engine/io/shard_index.h"

#include <gmock/gmock.h>

#include "engine/base/check.h"
#include "tests/engine/io/temporary_folder.h"

namespace engine {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string refusal(std::string_view text) {
  return message_of<Error>([&] { parse_shard_index(text, "x.index.json"); });
}

/// An index that has this for the file of tensor 'a'.
std::string map_of_a(std::string_view file) {
  return R"({"weight_map":{"a":)" + std::string(file) + "}}";
}

TEST(ShardIndex, tells_the_file_of_every_tensor) {
  const ShardIndex index = parse_shard_index(
      R"({"metadata":{"total_size":24,"more":{"weight_map":{"z":1}},"list":[{"total_size":1}]},
          "weight_map":{"b":"2.safetensors","a":"1.safetensors","c":"2.safetensors"},"other":[[],null]})",
      "x");
  EXPECT_THAT(index.files, ElementsAre("1.safetensors", "2.safetensors"));
  EXPECT_THAT(index.tensors,
              ElementsAre(testing::Pair("a", 0), testing::Pair("b", 1), testing::Pair("c", 1)));
  EXPECT_EQ(index.total_size, 24u);
}

TEST(ShardIndex, takes_any_metadata_and_none) {
  for (const char* metadata : {"null", "1", "\"text\"", "[1]", "{}", R"({"total_size":"24"})",
                               R"({"total_size":-1})", R"({"total_size":2.5})", R"({"total_size":{}})"}) {
    const std::string text =
        R"({"metadata":)" + std::string(metadata) + R"(,"weight_map":{"a":"1.safetensors"}})";
    EXPECT_EQ(parse_shard_index(text, "x").total_size, std::nullopt) << metadata;
  }
  EXPECT_EQ(parse_shard_index(map_of_a("\"1.safetensors\""), "x").total_size, std::nullopt);
}

TEST(ShardIndex, trusts_the_map_alone_for_the_names_of_files) {
  for (const char* name :
       {"model_00002-of-00072.safetensors", "shard 7.safetensors", ".safetensors", "ü.safetensors"})
    EXPECT_THAT(parse_shard_index(map_of_a('"' + std::string(name) + '"'), "x").files, ElementsAre(name));
}

TEST(ShardIndex, refuses_names_that_lead_away_and_names_what_would_be_right) {
  for (const char* name :
       {"/etc/passwd", "/tmp/1.safetensors", "sub/1.safetensors", "../1.safetensors", "..safetensors",
        "sub\\\\1.safetensors", "C:\\\\1.safetensors", "1.safetensors\\u0000", "1\\u0000.safetensors",
        "1\\n.safetensors", "pytorch_model.bin", "1.safetensors.index.json", "1.SAFETENSORS", ""}) {
    EXPECT_THAT(refusal(map_of_a('"' + std::string(name) + '"')),
                AllOf(StartsWith("x.index.json: weight_map: tensor 'a' is said to be in '"),
                      HasSubstr("a file of the same folder that ends in .safetensors")))
        << name;
  }
}

TEST(ShardIndex, refuses_files_that_are_no_names) {
  for (const char* file : {"1", "null", "true", "1.5", "-1", "[\"1.safetensors\"]", "{}", "[]"})
    EXPECT_EQ(refusal(map_of_a(file)), "x.index.json: weight_map: tensor 'a' should have the name of a file")
        << file;
}

TEST(ShardIndex, refuses_what_is_no_index) {
  for (const char* text : {"[]", "null", "1", "\"a\"", "[{\"weight_map\":{}}]"})
    EXPECT_EQ(refusal(text), "x.index.json: should hold one JSON object") << text;
  for (const char* text :
       {"{}", R"({"metadata":{"weight_map":{"a":"1.safetensors"}}})", R"({"Weight_map":{}})"})
    EXPECT_THAT(refusal(text), HasSubstr("there is no weight_map")) << text;
  for (const char* text : {R"({"weight_map":1})", R"({"weight_map":[]})", R"({"weight_map":null})"})
    EXPECT_THAT(refusal(text), HasSubstr("weight_map should be an object")) << text;
  EXPECT_THAT(refusal(R"({"weight_map":{}})"), HasSubstr("names no tensor"));
  EXPECT_THAT(refusal("{\"weight_map\":{"), StartsWith("x.index.json: not valid JSON at line 1, column 16"));
}

TEST(ShardIndex, refuses_a_key_given_twice) {
  EXPECT_THAT(refusal(R"({"weight_map":{"a":"1.safetensors","a":"2.safetensors"}})"),
              HasSubstr("key 'a' is given twice in 'weight_map'"));
  EXPECT_THAT(refusal(R"({"weight_map":{"a":"1.safetensors"},"weight_map":{"a":"1.safetensors"}})"),
              HasSubstr("key 'weight_map' is given twice"));
}

TEST(ShardIndex, takes_a_thousand_files_and_no_more) {
  const auto text = [](int files) {
    std::string all = "{\"weight_map\":{";
    for (int i = 0; i < files; ++i) {
      const std::string number = std::to_string(i);
      all += (i ? ",\"" : "\"") + number + "\":\"" + number + ".safetensors\"";
    }
    return all + "}}";
  };
  EXPECT_EQ(parse_shard_index(text(1000), "x").files.size(), 1000u);
  EXPECT_THAT(refusal(text(1001)), HasSubstr("names more than 1000 files"));
}

}  // namespace
}  // namespace engine
