// The layers below a column, one by one.

#include <gmock/gmock.h>

#include "data/parquet/codecs.h"
#include "data/parquet/compact.h"
#include "data/parquet/hybrid.h"
#include "data/parquet/page.h"
#include "data/parquet/snappy_page.h"
#include "tests/data/parquet/support.h"
#include "tests/support/memory_limit.h"

namespace data::parquet {
namespace {

using support::CompactWriter;
using testing::ElementsAre;
using testing::HasSubstr;
using Type = CompactReader::Type;

Bytes bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(Compact, reads_every_kind_of_field_and_passes_over_others) {
  CompactWriter out;
  out.boolean(1, true), out.boolean(2, false);
  out.field(3, 3), out.bytes += '\xfb';
  out.number(4, -300, 4), out.number(5, 70'000, 5), out.number(60, INT64_MIN);
  out.text(61, "text");
  out.field(62, 7), out.bytes += std::string(8, 'd');
  out.list(63, 5, 20);
  for (int i = 0; i < 20; ++i) out.zigzag(i);
  out.list(64, 1, 2), out.bytes += "\1\2";
  out.field(65, 11), out.varint(1), out.bytes += '\x8c', out.raw_text("key"), out.bytes += '\0';
  out.field(66, 11), out.varint(0);
  out.open(67), out.number(1, 5), out.close();
  out.text(2, "lower number");
  out.bytes += '\0';
  const std::vector<int> all_ids = {1, 2, 3, 4, 5, 60, 61, 62, 63, 64, 65, 66, 67, 2};
  std::vector<int> ids;
  CompactReader passes(bytes_of(out.bytes), "it");
  passes.structure([&](int id, Type) {
    ids.push_back(id);
    return false;
  });
  EXPECT_EQ(ids, all_ids);
  EXPECT_EQ(passes.used(), out.bytes.size());

  ids.clear();
  std::int64_t sum = 0;
  CompactReader reader(bytes_of(out.bytes), "it");
  reader.structure([&](int id, Type type) {
    ids.push_back(id);
    switch (id) {
      case 1:
        EXPECT_TRUE(reader.boolean(type));
        return true;
      case 2:
        if (type == Type::binary) return false;
        EXPECT_FALSE(reader.boolean(type));
        return true;
      case 3:
        EXPECT_EQ(reader.integer(type, -5, -5), -5);
        return true;
      case 4:
        EXPECT_EQ(reader.integer(type, -300, 0), -300);
        return true;
      case 5:
        EXPECT_EQ(reader.natural(type), 70'000);
        return true;
      case 60:
        EXPECT_EQ(reader.integer(type, INT64_MIN, 0), INT64_MIN);
        return true;
      case 61:
        EXPECT_EQ(reader.text(type), "text");
        return true;
      case 63:
        reader.list(type, [&](Type element) {
          sum += reader.natural(element);
          return true;
        });
        return true;
      default:
        return false;
    }
  });
  EXPECT_EQ(ids, all_ids);
  EXPECT_EQ(reader.used(), out.bytes.size());
  EXPECT_EQ(sum, 190);
}

std::string compact_error(const std::string& bytes) {
  return error_of([&] { CompactReader(bytes_of(bytes), "it").structure([](int, Type) { return false; }); });
}

TEST(Compact, refuses_what_is_damaged) {
  EXPECT_THAT(compact_error(""), HasSubstr("it is cut off"));
  EXPECT_THAT(compact_error(std::string("\x18\x05"
                                        "ab",
                                        4)),
              HasSubstr("it is cut off: 5 bytes at byte 2"));
  EXPECT_THAT(compact_error(std::string("\x19\xfc\xff\xff\xff\x7f", 6)),
              HasSubstr("it is cut off: a list of"));
  EXPECT_THAT(compact_error("\x16" + std::string(9, '\xff') + "\x02"), HasSubstr("more than 64 bits"));
  EXPECT_THAT(compact_error("\x1d"), HasSubstr("no known type"));
  EXPECT_THAT(compact_error(std::string(100'000, '\x1c')), HasSubstr("too deeply"));
  EXPECT_THAT(compact_error(std::string("\x1b\xff\xff\xff\xff\x0f\x11", 7)), HasSubstr("entries of a map"));
  EXPECT_THAT(compact_error(std::string("\x19\x10", 2)), HasSubstr("elements of a list"));
}

TEST(Compact, refuses_a_value_of_another_type_or_beyond_its_bounds) {
  CompactWriter out;
  out.number(1, 7);
  out.bytes += '\0';
  const auto take = [&](auto call) {
    return error_of([&] {
      CompactReader reader(bytes_of(out.bytes), "it");
      reader.structure([&](int, Type type) { return call(reader, type), true; });
    });
  };
  EXPECT_THAT(take([](CompactReader& r, Type t) { r.text(t); }), HasSubstr("should have a text here"));
  EXPECT_THAT(take([](CompactReader& r, Type t) { r.boolean(t); }), HasSubstr("should have a boolean here"));
  EXPECT_THAT(take([](CompactReader& r, Type t) { r.expect_structure(t); }),
              HasSubstr("should have a struct here"));
  EXPECT_THAT(take([](CompactReader& r, Type t) { r.list(t, [](Type) { return true; }); }),
              HasSubstr("should have a list here"));
  EXPECT_THAT(take([](CompactReader& r, Type t) { r.integer(t, 0, 6); }),
              HasSubstr("should lie in 0 to 6 and is 7"));
}

TEST(Hybrid, reads_runs_and_packed_numbers_of_every_width) {
  for (int width = 0; width <= 32; ++width) {
    std::vector<std::uint32_t> numbers;
    std::uint32_t state = 1;
    for (int i = 0; i < 50; ++i) {
      state = state * 1664525u + 1013904223u;
      const std::uint32_t number = width == 0 ? 0 : state >> (32 - width);
      numbers.insert(numbers.end(), i % 7 == 0 ? 9 : 1, number);
    }
    for (const bool packed : {false, true}) {
      const std::string bytes = support::hybrid_of(numbers, width, packed);
      std::vector<std::uint32_t> all(numbers.size());
      Hybrid(bytes_of(bytes), width, "it").read(all);
      EXPECT_EQ(all, numbers) << width;
      Hybrid pieces(bytes_of(bytes), width, "it");  // and a few at a time
      for (std::size_t at = 0; at < all.size(); at += 5) {
        std::vector<std::uint32_t> some(std::min<std::size_t>(5, all.size() - at));
        pieces.read(some);
        EXPECT_TRUE(std::equal(some.begin(), some.end(), numbers.begin() + static_cast<std::ptrdiff_t>(at)))
            << width;
      }
    }
  }
}

TEST(Hybrid, reads_one_kind_of_run_behind_the_other) {
  const std::string bytes = support::hybrid_of({1, 2, 3, 0, 1, 2, 3, 0}, 2, true) +
                            support::hybrid_of({3, 3, 3}, 2, false) + support::hybrid_of({1, 2}, 2, true);
  std::vector<std::uint32_t> all(13);
  Hybrid(bytes_of(bytes), 2, "it").read(all);
  EXPECT_THAT(all, ElementsAre(1, 2, 3, 0, 1, 2, 3, 0, 3, 3, 3, 1, 2));
}

TEST(Hybrid, refuses_to_give_more_than_there_is) {
  for (const std::string& bytes :
       {std::string(), std::string("\x06\x01", 2), std::string("\x06", 1), std::string("\x05\x01", 2),
        std::string("\xff\xff\xff\xff\xff\xff", 6), std::string(9, '\0')}) {
    std::vector<std::uint32_t> all(17);
    EXPECT_THAT(error_of([&] { Hybrid(bytes_of(bytes), 8, "it").read(all); }), HasSubstr("it is damaged"))
        << bytes.size();
  }
  EXPECT_THAT(error_of([] { Hybrid({}, 33, "it"); }), HasSubstr("numbers of 33 bits"));
}

TEST(ParquetCodecs, give_back_what_was_compressed) {
  for (const std::string& content :
       {std::string(), std::string("a"), std::string(100'000, 'x'), ppm(noise("noise", 1, 200, 200))})
    for (const int codec : {0, 1, 2, 6}) {
      const std::string packed = support::compressed(codec, content);
      const Buffer out = decompress(static_cast<Codec>(codec), bytes_of(packed), content.size(), "it");
      EXPECT_EQ(std::string(reinterpret_cast<const char*>(out.data()), out.size()), content) << codec;
    }
}

TEST(ParquetCodecs, refuse_another_size_and_damage) {
  const std::string content = ppm(noise("noise", 1, 20, 20));
  for (const int number : {0, 1, 2, 6}) {
    const auto codec = static_cast<Codec>(number);
    const std::string packed = support::compressed(number, content);
    for (const std::size_t size : {content.size() - 1, content.size() + 1, std::size_t{0}})
      EXPECT_THAT(error_of([&] { decompress(codec, bytes_of(packed), size, "it"); }),
                  HasSubstr("it is damaged"))
          << number;
    if (number == 0) continue;
    const std::string cut = packed.substr(0, packed.size() - 1);
    EXPECT_THAT(error_of([&] { decompress(codec, bytes_of(cut), content.size(), "it"); }),
                HasSubstr("it is damaged"))
        << number;
    EXPECT_THAT(error_of([&] { decompress(codec, {}, content.size(), "it"); }), HasSubstr("it is damaged"))
        << number;
  }
}

TEST(ParquetCodecs, take_no_memory_for_what_cannot_come_out) {
  const std::string few(100, '\0');
  const support::MemoryLimit limit(std::size_t{32} << 20);
  for (const Codec codec : {Codec::snappy, Codec::gzip, Codec::zstd})
    EXPECT_THAT(error_of([&] {
                  decompress(codec, bytes_of(few), codec == Codec::zstd ? kMaxPage : 1'000'000, "it");
                }),
                HasSubstr("it is damaged: it claims"))
        << name_of(codec);
  EXPECT_THAT(error_of([&] { decompress(Codec::zstd, bytes_of(few), kMaxPage + 1, "it"); }),
              HasSubstr("268.4 MB are read"));
}

/// Bytes that compress in part.
std::string mixed(std::size_t size) {
  std::string text = ppm(noise("noise", 5, 100, static_cast<Index>(size / 300 + 1)));
  for (std::size_t i = 0; i + 500 < size; i += 1000)
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(i), 300, 'x');
  return text.substr(0, size);
}

TEST(SnappyCuts, are_where_snappy_begins_again) {
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 300'000u}) {
    const std::string content = mixed(size), packed = support::compressed(1, content);
    const std::vector<SnappyCut> cuts = snappy_cuts(bytes_of(packed), "it");
    ASSERT_EQ(cuts.size(), (size + 65535) / 65536 + 1) << size;
    EXPECT_EQ(cuts.back().packed, packed.size());
    EXPECT_EQ(cuts.back().plain, size);
    for (std::size_t first = 0; first + 1 < cuts.size(); ++first)
      for (std::size_t last = first + 1; last < cuts.size(); ++last) {
        const auto out = decompress_between(
            cuts[first], cuts[last],
            bytes_of(packed).subspan(cuts[first].packed, cuts[last].packed - cuts[first].packed));
        ASSERT_TRUE(out.has_value());
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(out->data()), out->size()),
                  content.substr(cuts[first].plain, cuts[last].plain - cuts[first].plain));
      }
  }
}

TEST(SnappyCuts, need_what_came_before_only_in_foreign_streams) {
  // 64 KiB of x, then a copy of what lies before it: by an offset of four bytes.
  std::string packed = "\x84\x80\x04";  // 65540
  packed += std::string("\xf4\xff\xff", 3) + std::string(65536, 'x') + std::string("\x0f\x00\x00\x01\x00", 5);
  const auto whole = decompress(Codec::snappy, bytes_of(packed), 65540, "it");
  EXPECT_EQ(whole, Buffer(65540, std::byte{'x'}));
  const std::vector<SnappyCut> cuts = snappy_cuts(bytes_of(packed), "it");
  ASSERT_EQ(cuts.size(), 3u);
  EXPECT_FALSE(decompress_between(cuts[1], cuts[2], bytes_of(packed).subspan(cuts[1].packed)).has_value());

  // An element across the place where a block would end.
  packed = "\x84\x80\x04" + std::string("\xf4\x03\x00", 3) + "abcd" + std::string("\xf4\xff\xff", 3) +
           std::string(65536, 'x');
  EXPECT_EQ(snappy_cuts(bytes_of(packed), "it").size(), 2u);
}

TEST(SnappyCuts, of_damaged_streams_are_refused) {
  const std::string packed = support::compressed(1, mixed(3000));
  const auto take = [](const std::string& bytes) { snappy_cuts(bytes_of(bytes), "it"); };
  for (std::size_t size = 0; size < packed.size(); ++size)
    EXPECT_THAT(error_of([&] { take(packed.substr(0, size)); }), HasSubstr("it is damaged")) << size;
  EXPECT_GT(damage(packed, take), 0);
}

}  // namespace
}  // namespace data::parquet
