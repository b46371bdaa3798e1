#include "engine/io/safetensors_header.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/engine/io/safetensors_bytes.h"
#include "tests/engine/io/temporary_folder.h"

namespace engine {
namespace {

using Rule = SafetensorsRule;
using testing::HasSubstr;
using testing::StartsWith;

SafetensorsHeader parse(const std::string& file, const SafetensorsLimits& limits = {}) {
  return parse_safetensors_header(std::as_bytes(std::span(file)), file.size(), "x", limits);
}

/// {"a":{"dtype":...,"shape":...,"data_offsets":...}} and `data` bytes.
std::string one_tensor(const std::string& dtype, const std::string& shape, const std::string& offsets,
                       std::size_t data = 16) {
  return file_of(
      R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}", data);
}

/// Two F32 tensors with these data_offsets and shapes that fit them.
std::string two_tensors(const std::string& a, const std::string& b, std::size_t data) {
  return file_of(R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":)" + a +
                     R"(},"b":{"dtype":"F32","shape":[2,2],"data_offsets":)" + b + "}}",
                 data);
}

struct Case {
  const char* what;
  Rule rule;
  std::string file;
};

std::vector<Case> broken_files() {
  const std::string good = R"({"dtype":"F32","shape":[2,2],"data_offsets":[0,16]})";
  const auto tensor = [](const std::string& value, std::size_t data = 16) {
    return file_of(R"({"a":)" + value + "}", data);
  };
  const auto metadata = [](const std::string& value) {
    return file_of(R"({"__metadata__":)" + value + "}", 0);
  };
  std::string axes = "1";
  for (int i = 1; i < 65; ++i) axes += ",1";
  return {
      {"no bytes", Rule::file_size, ""},
      {"seven bytes", Rule::file_size, std::string(7, '\0')},
      {"length 100 MB and one", Rule::header_limit, length_bytes(100'000'001) + "{}"},
      {"length 2^63 - 1", Rule::header_limit, length_bytes(~std::uint64_t{0} >> 1) + "{}"},
      {"length 2^64 - 8, which plus 8 wraps to 0", Rule::header_limit,
       length_bytes(~std::uint64_t{7}) + "{}"},
      {"big-endian length", Rule::header_limit, std::string(7, '\0') + "\x02{}"},
      {"a text file", Rule::header_limit, "<!DOCTYPE html><html></html>"},
      {"length beyond the end", Rule::header_in_file, length_bytes(3) + "{}"},
      {"length without header", Rule::header_in_file, length_bytes(60)},
      {"length 100 MB in a short file", Rule::header_in_file, length_bytes(100'000'000) + "{}"},
      {"padded with NUL", Rule::nul, file_of(std::string("{}\0\0", 4), 0)},
      {"header reaches into the data", Rule::nul, length_bytes(6) + std::string("{}\0\0\0\0", 6)},
      {"empty header", Rule::json, file_of("", 0)},
      {"empty header with data", Rule::json, file_of("", 16)},
      {"header cut short", Rule::json, file_of("{", 0)},
      {"white space only", Rule::json, file_of("        ", 0)},
      {"form feed as white space", Rule::json, file_of("{}\f", 0)},
      {"byte order mark", Rule::json, file_of("\xef\xbb\xbf{}", 0)},
      {"text after the object", Rule::json, file_of("{}x", 0)},
      {"two objects", Rule::json, file_of("{}{}", 0)},
      {"trailing comma", Rule::json, tensor(good + ",")},
      {"comment", Rule::json, file_of("/**/{}", 0)},
      {"single quotes", Rule::json, file_of("{'a':1}", 0)},
      {"not UTF-8", Rule::json, file_of("{\"\xff\":1}", 0)},
      {"overlong UTF-8", Rule::json, file_of("{\"\xc0\x80\":1}", 0)},
      {"half a surrogate pair", Rule::json, file_of(R"({"\ud800":1})", 0)},
      {"control character in a name", Rule::json, file_of("{\"\x01\":1}", 0)},
      {"NaN", Rule::json, one_tensor(R"("F32")", "[NaN]", "[0,16]")},
      {"leading zero", Rule::json, one_tensor(R"("F32")", "[02,2]", "[0,16]")},
      {"a number too large for any type", Rule::json, one_tensor(R"("F32")", "[1e999]", "[0,16]")},
      {"too deep in an ignored field", Rule::depth, tensor(R"({"x":)" + std::string(5000, '['))},
      {"too deep in ignored objects", Rule::depth, tensor(repeat(R"({"x":)", 101))},
      {"tensor twice", Rule::duplicate, file_of(R"({"a":)" + good + R"(,"a":)" + good + "}", 16)},
      {"tensor twice, once escaped", Rule::duplicate,
       file_of(R"({"a":)" + good + R"(,"\u0061":)" + good + "}", 16)},
      {"metadata twice", Rule::duplicate, file_of(R"({"__metadata__":{},"__metadata__":{}})", 0)},
      {"key twice in metadata", Rule::duplicate, metadata(R"({"k":"1","k":"2"})")},
      {"dtype twice", Rule::duplicate,
       tensor(R"({"dtype":"F32","dtype":"F32","shape":[2,2],"data_offsets":[0,16]})")},
      {"ignored field twice", Rule::duplicate,
       tensor(R"({"x":1,"x":2,"dtype":"F32","shape":[2,2],"data_offsets":[0,16]})")},
      {"key twice inside an ignored field", Rule::duplicate, tensor(R"({"x":{"y":1,"y":2}})")},
      {"root array", Rule::root, file_of("[]", 0)},
      {"root null", Rule::root, file_of("null", 0)},
      {"root string", Rule::root, file_of("\"a\"", 0)},
      {"root number", Rule::root, file_of("1", 0)},
      {"metadata null", Rule::metadata, metadata("null")},
      {"metadata string", Rule::metadata, metadata("\"x\"")},
      {"metadata array", Rule::metadata, metadata("[]")},
      {"metadata value int", Rule::metadata_value, metadata(R"({"k":1})")},
      {"metadata value null", Rule::metadata_value, metadata(R"({"k":null})")},
      {"metadata value object", Rule::metadata_value, metadata(R"({"k":{}})")},
      {"metadata that is a tensor", Rule::metadata_value, metadata(good)},
      {"tensor null", Rule::tensor, tensor("null")},
      {"tensor array", Rule::tensor, tensor(R"(["F32",[2,2],[0,16]])")},
      {"tensor string", Rule::tensor, tensor("\"x\"")},
      {"no dtype", Rule::field, tensor(R"({"shape":[2,2],"data_offsets":[0,16]})")},
      {"no shape", Rule::field, tensor(R"({"dtype":"F32","data_offsets":[0,16]})")},
      {"no data_offsets", Rule::field, tensor(R"({"dtype":"F32","shape":[2,2]})")},
      {"fields only inside an ignored one", Rule::field, tensor(R"({"x":)" + good + "}")},
      {"fields of the tensor before", Rule::field, file_of(R"({"a":)" + good + R"(,"b":{}})", 16)},
      {"nothing", Rule::field, tensor("{}")},
      {"unknown dtype", Rule::dtype, one_tensor("\"Q4\"", "[2,2]", "[0,16]")},
      {"dtype in lower case", Rule::dtype, one_tensor("\"f32\"", "[2,2]", "[0,16]")},
      {"no name of a dtype", Rule::dtype, one_tensor("\"\"", "[2,2]", "[0,16]")},
      {"dtype int", Rule::dtype, one_tensor("3", "[2,2]", "[0,16]")},
      {"dtype null", Rule::dtype, one_tensor("null", "[2,2]", "[0,16]")},
      {"dtype array", Rule::dtype, one_tensor("[]", "[2,2]", "[0,16]")},
      {"dtype object", Rule::dtype, one_tensor("{}", "[2,2]", "[0,16]")},
      {"negative length", Rule::shape, one_tensor("\"F32\"", "[-2,2]", "[0,16]")},
      {"two negative lengths", Rule::shape, one_tensor("\"F32\"", "[-2,-2]", "[0,16]")},
      {"length -0", Rule::shape, one_tensor("\"F32\"", "[-0]", "[0,0]", 0)},
      {"float length", Rule::shape, one_tensor("\"F32\"", "[2.0,2]", "[0,16]")},
      {"length with exponent", Rule::shape, one_tensor("\"F32\"", "[2e0,2]", "[0,16]")},
      {"string length", Rule::shape, one_tensor("\"F32\"", "[\"2\",2]", "[0,16]")},
      {"bool length", Rule::shape, one_tensor("\"F32\"", "[true,4]", "[0,16]")},
      {"length 2^64", Rule::shape, one_tensor("\"F32\"", "[18446744073709551616]", "[0,16]")},
      {"nested shape", Rule::shape, one_tensor("\"F32\"", "[[2],2]", "[0,16]")},
      {"object in shape", Rule::shape, one_tensor("\"F32\"", "[{}]", "[0,16]")},
      {"shape null", Rule::shape, one_tensor("\"F32\"", "null", "[0,16]")},
      {"shape number", Rule::shape, one_tensor("\"F32\"", "4", "[0,16]")},
      {"shape object", Rule::shape, one_tensor("\"F32\"", "{}", "[0,16]")},
      {"65 axes", Rule::rank, one_tensor("\"F32\"", "[" + axes + "]", "[0,4]", 4)},
      {"no offset", Rule::offsets, one_tensor("\"F32\"", "[0]", "[]", 0)},
      {"one offset", Rule::offsets, one_tensor("\"F32\"", "[0]", "[0]", 0)},
      {"three offsets", Rule::offsets, one_tensor("\"F32\"", "[2,2]", "[0,16,32]")},
      {"negative offset", Rule::offsets, one_tensor("\"F32\"", "[2,2]", "[-16,0]")},
      {"float offsets", Rule::offsets, one_tensor("\"F32\"", "[2,2]", "[0.0,16.0]")},
      {"string offsets", Rule::offsets, one_tensor("\"F32\"", "[2,2]", R"(["0","16"])")},
      {"offsets null", Rule::offsets, one_tensor("\"F32\"", "[2,2]", "null")},
      {"offsets object", Rule::offsets, one_tensor("\"F32\"", "[2,2]", R"({"begin":0,"end":16})")},
      {"offsets nested", Rule::offsets, one_tensor("\"F32\"", "[2,2]", "[[0],16]")},
      {"offset 2^64", Rule::offsets,
       one_tensor("\"F32\"", "[2,2]", "[18446744073709551600,18446744073709551616]")},
      {"numbers wrap", Rule::overflow, one_tensor("\"F32\"", "[2,18446744073709551614]", "[0,16]")},
      {"bytes wrap", Rule::overflow, one_tensor("\"I32\"", "[2,9223372036854775807]", "[0,16]")},
      {"bytes wrap to the right size", Rule::overflow,
       one_tensor("\"F32\"", "[4611686018427387908]", "[0,16]")},
      {"wraps before a 0", Rule::overflow, one_tensor("\"F32\"", "[18446744073709551615,2,0]", "[0,0]", 0)},
      {"half a byte", Rule::whole_bytes, one_tensor("\"F4\"", "[1,3]", "[0,2]", 2)},
      {"18 bits", Rule::whole_bytes, one_tensor("\"F6_E3M2\"", "[3]", "[0,3]", 3)},
      {"ends before it begins", Rule::order, one_tensor("\"F32\"", "[2,2]", "[16,0]")},
      {"begins at 2^64 - 1", Rule::order, one_tensor("\"F32\"", "[2,2]", "[18446744073709551615,0]")},
      {"begin minus end is the right size", Rule::order,
       one_tensor("\"U8\"", "[1]", "[18446744073709551615,0]", 0)},
      {"fewer bytes than the shape needs", Rule::size, one_tensor("\"F32\"", "[2,3]", "[0,16]")},
      {"more bytes than the shape needs", Rule::size, one_tensor("\"F32\"", "[2]", "[0,16]")},
      {"the same bytes twice", Rule::overlap, two_tensors("[0,16]", "[0,16]", 16)},
      {"some bytes twice", Rule::overlap, two_tensors("[0,16]", "[8,24]", 24)},
      {"nothing inside another tensor", Rule::overlap,
       file_of(R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
               R"("z":{"dtype":"F32","shape":[0],"data_offsets":[7,7]}})",
               16)},
      {"first tensor not at 0", Rule::hole, one_tensor("\"F32\"", "[2,2]", "[16,32]", 32)},
      {"bytes between tensors", Rule::hole, two_tensors("[0,16]", "[20,36]", 36)},
      {"nothing beyond the end", Rule::hole, one_tensor("\"F32\"", "[0]", "[99,99]")},
      {"tensor beyond the end", Rule::data_size, two_tensors("[0,16]", "[16,32]", 16)},
      {"data two bytes short", Rule::data_size, one_tensor("\"F32\"", "[2,2]", "[0,16]", 14)},
      {"no data", Rule::data_size, one_tensor("\"F32\"", "[2,2]", "[0,16]", 0)},
      {"bytes after the last tensor", Rule::data_size, one_tensor("\"F32\"", "[2,2]", "[0,16]", 17)},
      {"bytes without a tensor", Rule::data_size, file_of("{}", 1)},
      {"4 MB claimed, 1 byte there", Rule::data_size, one_tensor("\"F32\"", "[1024,1024]", "[0,4194304]", 1)},
  };
}

TEST(SafetensorsHeader, rejects_each_broken_file_for_its_reason) {
  // In tests of their own.
  std::set<Rule> seen = {Rule::tensor_count, Rule::text, Rule::keys, Rule::metadata_count};
  for (const Case& c : broken_files()) {
    SCOPED_TRACE(c.what);
    try {
      parse(c.file);
      ADD_FAILURE() << "accepted";
    } catch (const SafetensorsError& error) {
      const std::string message = error.what();
      EXPECT_EQ(rule_id(error.rule()), rule_id(c.rule)) << message;
      EXPECT_THAT(message, StartsWith("x: "));
      EXPECT_THAT(message, HasSubstr(" [" + rule_id(c.rule) + "]"));
      EXPECT_EQ(message.find('\n'), std::string::npos);
      EXPECT_LT(message.size(), 300u);
    }
    seen.insert(c.rule);
  }
  for (int rule = 1; rule <= static_cast<int>(Rule::metadata_count); ++rule)
    EXPECT_TRUE(seen.contains(static_cast<Rule>(rule))) << "no case for " << rule_id(static_cast<Rule>(rule));
}

TEST(SafetensorsHeader, names_the_tensor_and_the_numbers) {
  EXPECT_EQ(message_of<SafetensorsError>([] { parse(one_tensor("\"F32\"", "[2,2]", "[0,12]", 12)); }),
            "x: tensor 'a' needs 16 bytes but 12 are given [ST021]");
}

TEST(SafetensorsHeader, limits_can_be_lowered) {
  const auto rule_of = [](const std::string& file, const SafetensorsLimits& limits) {
    try {
      parse(file, limits);
    } catch (const SafetensorsError& error) {
      return error.rule();
    }
    return Rule{};
  };
  const std::string two = two_tensors("[0,16]", "[16,32]", 32);
  EXPECT_EQ(rule_of(two, {.tensors = 2}), Rule{});
  EXPECT_EQ(rule_of(two, {.tensors = 1}), Rule::tensor_count);
  EXPECT_EQ(rule_of(two, {.rank = 1}), Rule::rank);
  EXPECT_EQ(rule_of(two, {.header_bytes = 10}), Rule::header_limit);
  const std::string padded = file_of("  {}  ", 0),
                    metadata = file_of(R"({"__metadata__":{"a":"","b":""}})", 0);
  EXPECT_EQ(rule_of(padded, {.json = {.bytes = 2}}), Rule{});
  EXPECT_EQ(rule_of(padded, {.json = {.bytes = 1}}), Rule::text);
  EXPECT_EQ(rule_of(metadata, {.json = {.keys = 3}}), Rule{});
  EXPECT_EQ(rule_of(metadata, {.json = {.keys = 2}}), Rule::keys);
  EXPECT_EQ(rule_of(metadata, {.metadata = 2}), Rule{});
  EXPECT_EQ(rule_of(metadata, {.metadata = 1}), Rule::metadata_count);
}

TEST(SafetensorsHeader, accepts_every_valid_form) {
  const std::string a = R"("a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]})";
  std::string axes = "1";
  for (int i = 1; i < 64; ++i) axes += ",1";
  const std::vector<std::pair<const char*, std::string>> cases = {
      {"no tensor", file_of("{}", 0)},
      {"white space around", file_of(" \t\r\n{" + a + "}\r\n\t ", 16)},
      {"no padding", file_of("{" + a + "}", 16)},
      {"one number", one_tensor("\"I32\"", "[]", "[0,4]", 4)},
      {"no number", one_tensor("\"I32\"", "[2,0]", "[0,0]", 0)},
      {"no number, one length huge", one_tensor("\"F32\"", "[0,18446744073709551615]", "[0,0]", 0)},
      {"64 axes", one_tensor("\"F32\"", "[" + axes + "]", "[0,4]", 4)},
      {"metadata last", file_of("{" + a + R"(,"__metadata__":{"k":"v"}})", 16)},
      {"fields in another order",
       file_of(R"({"a":{"data_offsets":[0,16],"shape":[2,2],"dtype":"F32"}})", 16)},
      {"unknown fields", file_of(R"({"a":{"x":{"dtype":[{"shape":1}]},"dtype":"F32","y":[[]],"shape":[2,2],)"
                                 R"("z":-1.5e3,"data_offsets":[0,16],"n":null}})",
                                 16)},
      {"a nameless tensor", file_of(R"({"":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", 16)},
      {"NUL in a name", file_of(R"({"a\u0000b":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", 16)},
      {"whole bytes of F4", one_tensor("\"F4\"", "[1,2]", "[0,1]", 1)},
      {"whole bytes of F6", one_tensor("\"F6_E2M3\"", "[4]", "[0,3]", 3)},
  };
  for (const auto& [what, file] : cases) {
    SCOPED_TRACE(what);
    EXPECT_NO_THROW(parse(file));
  }
}

TEST(SafetensorsHeader, knows_all_dtypes) {
  const std::vector<std::pair<std::string, std::size_t>> bytes_of_eight = {
      {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
      {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
      {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
      {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64}};
  EXPECT_EQ(bytes_of_eight.size(), 22u);
  for (const auto& [dtype, bytes] : bytes_of_eight) {
    const std::string file =
        one_tensor("\"" + dtype + "\"", "[8]", "[0," + std::to_string(bytes) + "]", bytes);
    const SafetensorsHeader header = parse(file);
    EXPECT_EQ(header.entries.at(0).dtype, dtype);
    EXPECT_EQ(header.entries.at(0).bytes, bytes);
  }
}

TEST(SafetensorsHeader, gives_entries_in_the_order_of_their_data) {
  const std::string file = file_of(R"({"b":{"dtype":"F32","shape":[2,2],"data_offsets":[16,32]},)"
                                   R"("__metadata__":{"format":"pt","k":""},)"
                                   R"("z":{"dtype":"F32","shape":[0,3],"data_offsets":[16,16]},)"
                                   R"("y":{"dtype":"F32","shape":[0],"data_offsets":[16,16]},)"
                                   R"("a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})",
                                   32);
  const SafetensorsHeader header = parse(file);
  std::string names;
  for (const SafetensorsEntry& entry : header.entries) names += entry.name;
  EXPECT_EQ(names, "azyb");
  EXPECT_EQ(header.entries[3].offset, file.size() - 16);
  EXPECT_EQ(header.entries[3].shape(), Shape({2, 2}));
  EXPECT_EQ(header.metadata, (Metadata{{"format", "pt"}, {"k", ""}}));
}

TEST(SafetensorsHeader, shape_throws_when_it_does_not_fit) {
  const SafetensorsHeader header = parse(one_tensor("\"F32\"", "[0,18446744073709551615]", "[0,0]", 0));
  EXPECT_THAT(message_of<Error>([&] { header.entries[0].shape(); }), HasSubstr("tensor 'a'"));
}

// The byte vectors of the reference implementation's own tests.
TEST(SafetensorsHeader, is_written_byte_for_byte_as_the_reference_does) {
  const auto make = [](std::vector<SafetensorsEntry> entries, const Metadata& metadata = {}) {
    return make_safetensors_header(entries, metadata, "x");
  };
  EXPECT_EQ(make({}), length_bytes(8) + "{}      ");
  EXPECT_EQ(make({}, {{"framework", "pt"}}),
            length_bytes(40) + R"({"__metadata__":{"framework":"pt"}}     )");
  EXPECT_EQ(make({{.name = "test", .dtype = "I32", .dims = {2, 2}}}),
            length_bytes(64) + R"({"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}}    )");
  EXPECT_EQ(make({{.name = "attn.0", .dtype = "F32", .dims = {1, 2, 3}}}),
            length_bytes(64) + R"({"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}})");
  EXPECT_EQ(make({{.name = "attn0", .dtype = "F32", .dims = {1, 1, 2, 3}}}),
            length_bytes(72) + R"({"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}})" +
                std::string(7, ' '));
  const std::string two = make({{.name = "test2", .dtype = "F16", .dims = {2, 2}},  //
                                {.name = "test1", .dtype = "I32", .dims = {2, 2}}});
  EXPECT_EQ(two, length_bytes(128) +
                     R"({"test1":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]},)"
                     R"("test2":{"dtype":"F16","shape":[2,2],"data_offsets":[16,24]}})" +
                     std::string(6, ' '));
}

TEST(SafetensorsHeader, of_half_bytes_is_written_as_the_reference_does) {
  std::vector<SafetensorsEntry> entries = {{.name = "attn.0", .dtype = "F4", .dims = {1, 2}}};
  EXPECT_EQ(make_safetensors_header(entries, {}, "x"),
            length_bytes(64) + R"({"attn.0":{"dtype":"F4","shape":[1,2],"data_offsets":[0,1]}}    )");
}

TEST(SafetensorsHeader, of_gpt_2_comes_back) {
  std::vector<SafetensorsEntry> entries;
  const auto add = [&](const std::string& name, std::vector<std::uint64_t> dims) {
    entries.push_back({.name = name, .dtype = "F32", .dims = std::move(dims)});
  };
  add("wte", {50257, 768}), add("wpe", {1024, 768});
  for (int i = 0; i < 12; ++i) {
    const std::string h = "h." + std::to_string(i) + ".";
    for (const char* norm : {"ln_1", "ln_2"})
      add(h + norm + ".weight", {768}), add(h + norm + ".bias", {768});
    add(h + "attn.c_attn.weight", {768, 2304}), add(h + "attn.c_attn.bias", {2304});
    add(h + "attn.c_proj.weight", {768, 768}), add(h + "attn.c_proj.bias", {768});
    add(h + "mlp.c_fc.weight", {768, 3072}), add(h + "mlp.c_fc.bias", {3072});
    add(h + "mlp.c_proj.weight", {3072, 768}), add(h + "mlp.c_proj.bias", {768});
  }
  add("ln_f.weight", {768}), add("ln_f.bias", {768});
  constexpr std::uint64_t kBytes = 4 * 124'439'808;
  const std::string start = make_safetensors_header(entries, {}, "x");
  const SafetensorsHeader header =
      parse_safetensors_header(std::as_bytes(std::span(start)), start.size() + kBytes, "x");
  ASSERT_EQ(header.entries.size(), 148u);
  EXPECT_EQ(header.entries.back().offset + header.entries.back().bytes, start.size() + kBytes);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(header.entries[i].name, entries[i].name);
    EXPECT_EQ(header.entries[i].offset, entries[i].offset);
  }
}

TEST(SafetensorsHeader, written_names_are_escaped_as_the_reference_does) {
  std::vector<SafetensorsEntry> entries = {{.name = "a\"\\/\n\t\x01ü\x7f", .dtype = "U8", .dims = {}}};
  const std::string text = make_safetensors_header(entries, {{"k\r", "\b\f"}}, "x");
  EXPECT_THAT(text, HasSubstr(R"({"__metadata__":{"k\r":"\b\f"},"a\"\\/\n\t\u0001ü)"
                              "\x7f\":"));
}

TEST(SafetensorsHeader, what_could_not_be_read_is_not_written) {
  const auto rule_of = [](std::vector<SafetensorsEntry> entries, const Metadata& metadata = {}) {
    try {
      make_safetensors_header(entries, metadata, "x", {.header_bytes = 1000});
    } catch (const SafetensorsError& error) {
      return error.rule();
    }
    return Rule{};
  };
  const SafetensorsEntry a = {.name = "a", .dtype = "F32", .dims = {2}};
  EXPECT_EQ(rule_of({a, a}), Rule::duplicate);
  EXPECT_EQ(rule_of({{.name = "\xff", .dtype = "F32", .dims = {2}}}), Rule::json);
  EXPECT_EQ(rule_of({a}, {{"k", "\xff"}}), Rule::json);
  EXPECT_EQ(rule_of({{.name = "a", .dtype = "F32", .dims = std::vector<std::uint64_t>(65, 1)}}), Rule::rank);
  EXPECT_EQ(rule_of({{.name = "a", .dtype = "f32", .dims = {2}}}), Rule::dtype);
  EXPECT_EQ(rule_of({{.name = "a", .dtype = "F4", .dims = {3}}}), Rule::whole_bytes);
  EXPECT_EQ(rule_of({{.name = "a", .dtype = "F32", .dims = {~std::uint64_t{0}}}}), Rule::overflow);
  EXPECT_EQ(rule_of({{.name = "__metadata__", .dtype = "F32", .dims = {2}}}), Rule::metadata_value);
  EXPECT_EQ(rule_of({a}, {{"k", std::string(1000, 'v')}}), Rule::header_limit);
}

// Four large headers: each is answered, in memory that follows the size of the file.

TEST(SafetensorsHeader, rejects_100000_tensors_over_the_same_bytes) {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i)
    text +=
        (i ? ",\"" : "\"") + std::to_string(i) + R"(":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]})";
  EXPECT_THAT(message_of<SafetensorsError>([&] { parse(file_of(text + "}", 16)); }), HasSubstr("[ST022]"));
}

TEST(SafetensorsHeader, accepts_200000_tensors_without_numbers) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i)
    text += (i ? ",\"" : "\"") + std::to_string(i) + R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  EXPECT_EQ(parse(file_of(text + "}", 0)).entries.size(), 200'000u);
}

TEST(SafetensorsHeader, rejects_a_million_axes) {
  const std::string file = one_tensor("\"F32\"", "[1" + repeat(",1", 999'999) + "]", "[0,4]", 4);
  EXPECT_THAT(message_of<SafetensorsError>([&] { parse(file); }), HasSubstr("[ST015]"));
}

TEST(SafetensorsHeader, accepts_a_name_of_ten_megabytes_and_shows_little_of_it) {
  const std::string name(10'000'000, 'n');
  const auto file = [&](const char* shape) {
    return file_of("{\"" + name + R"(":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,16]}})", 16);
  };
  EXPECT_EQ(parse(file("[4]")).entries.at(0).name, name);
  EXPECT_LT(message_of<SafetensorsError>([&] { parse(file("[5]")); }).size(), 200u);
}

}  // namespace
}  // namespace engine
