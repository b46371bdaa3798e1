#include "engine/io/protobuf.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "engine/base/check.h"

namespace engine {
namespace {

/// "08 96 01".
std::string hex(const std::string& bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!text.empty()) text += ' ';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

void give(const ProtobufMessage::Sink& sink, std::string_view bytes) {
  sink(std::as_bytes(std::span(bytes)));
}

// The first four are the examples of protobuf.dev/programming-guides/encoding.
TEST(Protobuf, writes_the_examples_of_the_encoding_guide) {
  ProtobufMessage one;
  one.integer(1, 150);
  EXPECT_EQ(hex(one.bytes()), "08 96 01");
  ProtobufMessage two;
  two.text(2, "testing");
  EXPECT_EQ(hex(two.bytes()), "12 07 74 65 73 74 69 6e 67");
  ProtobufMessage three;
  three.message(3, one);
  EXPECT_EQ(hex(three.bytes()), "1a 03 08 96 01");
  ProtobufMessage negative;
  negative.integer(1, -2);
  EXPECT_EQ(hex(negative.bytes()), "08 fe ff ff ff ff ff ff ff ff 01");
}

TEST(Protobuf, writes_integers_of_every_length) {
  ProtobufMessage m;
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{127}, std::int64_t{128}, std::int64_t{16383},
                                   std::int64_t{16384}, std::numeric_limits<std::int64_t>::max()})
    m.integer(16, value);
  EXPECT_EQ(hex(m.bytes()),
            "80 01 00 80 01 7f 80 01 80 01 80 01 ff 7f 80 01 80 80 01 "
            "80 01 ff ff ff ff ff ff ff ff 7f");
  EXPECT_EQ(m.size(), m.bytes().size());
}

TEST(Protobuf, writes_floating_numbers_as_their_bytes) {
  ProtobufMessage m;
  m.floating(2, 0.5f);
  m.floating(1, 1700000000.25);
  m.packed(6, std::array{1.0, -2.0});
  EXPECT_EQ(hex(m.bytes()),
            "15 00 00 00 3f 09 00 00 10 40 fc 54 d9 41 "
            "32 10 00 00 00 00 00 00 f0 3f 00 00 00 00 00 00 00 c0");
}

TEST(Protobuf, nests_what_is_streamed_and_asks_for_it_only_when_it_is_written) {
  int asked = 0;
  ProtobufMessage inner;
  inner.text(1, "a");
  inner.streamed(9, 3, [&](const auto& sink) {
    ++asked;
    give(sink, "x");
    give(sink, "yz");
  });
  inner.text(8, "b");
  ProtobufMessage outer;
  outer.integer(1, 8);
  outer.message(5, inner);
  outer.message(7, ProtobufMessage());
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(hex(outer.bytes()), "08 08 2a 0b 0a 01 61 4a 03 78 79 7a 42 01 62 3a 00");
  EXPECT_EQ(outer.size(), 17u);
  EXPECT_EQ(asked, 1);
}

TEST(Protobuf, takes_no_content_of_another_size_than_it_was_given) {
  ProtobufMessage m;
  m.streamed(9, 3, [](const auto& sink) { give(sink, "xy"); });
  EXPECT_THROW(m.bytes(), Error);
}

}  // namespace
}  // namespace engine
