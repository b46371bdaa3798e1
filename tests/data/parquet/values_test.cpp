// Every form of a column gives the same values, and what is damaged is refused.

#include "data/parquet/stored_values.h"

#include <gmock/gmock.h>

#include <thread>

#include "data/parquet/column.h"
#include "tests/data/parquet/support.h"
#include "tests/fuzz/memory_file.h"

namespace data::parquet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Form {
  int codec, version;
  bool dictionary, required, nulls, checksums, null_count;
  std::size_t rows_a_page, falls_back_after;
};
void PrintTo(const Form& f, std::ostream* out) {
  *out << "codec " << f.codec << " v" << f.version << " dictionary " << f.dictionary << " required "
       << f.required << " nulls " << f.nulls << " checksums " << f.checksums << " counted " << f.null_count
       << " page " << f.rows_a_page << " fallback " << f.falls_back_after;
}

std::vector<Form> forms() {
  std::vector<Form> all;
  for (const int codec : {0, 1, 2, 6})
    for (const int version : {1, 2})
      for (const bool dictionary : {false, true})
        for (const bool required : {false, true})
          for (const bool nulls : {false, true})
            for (const bool more : {false, true})
              for (const std::size_t rows_a_page : {2, 1000}) {
                if (required && nulls) continue;
                all.push_back({codec, version, dictionary, required, nulls, more, more, rows_a_page,
                               dictionary && more ? 1u : SIZE_MAX});
              }
  return all;
}

ParquetColumn in_form(ParquetColumn column, const Form& form) {
  column.codec = form.codec;
  column.version = form.version;
  column.dictionary = form.dictionary;
  column.required = form.required;
  column.checksums = form.checksums;
  column.null_count = form.null_count;
  column.rows_a_page = form.rows_a_page;
  column.falls_back_after = form.falls_back_after;
  if (form.nulls) column.values[2] = std::nullopt, column.values[6] = std::nullopt;
  return column;
}

std::vector<std::string> wanted(const ParquetColumn& column) {
  std::vector<std::string> all;
  for (const auto& value : column.values) all.push_back(value.value_or("null"));
  return all;
}

class Forms : public testing::TestWithParam<Form> {};

TEST_P(Forms, give_the_same_values) {
  const TemporaryFolder folder;
  ParquetFile file{.columns = {}, .rows_a_group = 5};
  ParquetColumn bytes{.name = "image.bytes"}, number{.name = "number", .type = 2},
      narrow{.name = "narrow", .type = 1};
  const std::vector<std::string> some = {"a", "",  "b", "a", "ccc", std::string(300, 'x'), "b", "d",
                                         "e", "a", "f", "g", "h"};
  for (std::size_t i = 0; i < some.size(); ++i) {
    bytes.values.push_back(some[i]);
    number.values.push_back(int64_of(i < 4 ? -5 : static_cast<std::int64_t>(i) << 40));
    narrow.values.push_back(int32_of(i < 4 ? -5 : static_cast<std::int32_t>(i) << 20));
  }
  for (ParquetColumn column : {bytes, number, narrow}) file.columns.push_back(in_form(column, GetParam()));
  const fs::path path = folder.write("x.parquet", parquet_of(file));

  const StoredValues values = values_of(path, "image.bytes");
  EXPECT_EQ(stored(values), wanted(file.columns[0]));
  EXPECT_EQ(values.whole_pages() > 0, GetParam().codec > 1);
  std::vector<std::string> backwards;
  for (Index i = values.size() - 1; i >= 0; --i) {
    if (values.is_null(i)) continue;
    const auto value = values.value(i);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(value.data()), value.size()),
              some[static_cast<std::size_t>(i)]);
  }

  const engine::File opened(path);
  const Footer footer = read_footer(opened);
  for (const std::size_t column : {1u, 2u}) {
    std::vector<std::string> numbers;
    Index first = 0;
    for (std::size_t group = 0; group < footer.groups.size(); ++group) {
      read_integers(opened, footer, column, group, [&](Index row, const std::int64_t* value) {
        EXPECT_EQ(first + row, static_cast<Index>(numbers.size()));
        numbers.push_back(value == nullptr ? "null"
                          : column == 1    ? int64_of(*value)
                                           : int32_of(static_cast<std::int32_t>(*value)));
      });
      first += footer.groups[group].rows;
    }
    EXPECT_EQ(numbers, wanted(file.columns[column]));
  }
}

INSTANTIATE_TEST_SUITE_P(, Forms, testing::ValuesIn(forms()));

TEST(StoredValues, a_page_of_v2_may_be_stored_though_its_column_is_compressed) {
  const TemporaryFolder folder;
  ParquetFile file = small_file();
  file.columns[0].version = 2;
  file.columns[0].codec = 6;
  file.columns[0].compressed_v2 = false;
  const StoredValues values = values_of(folder.write("x.parquet", parquet_of(file)), "image.bytes");
  EXPECT_EQ(stored(values), wanted(file.columns[0]));
  EXPECT_EQ(values.whole_pages(), 0);
}

TEST(StoredValues, of_large_values_are_found_without_reading_them) {
  const TemporaryFolder folder;
  ParquetFile file = small_file(3);
  for (std::size_t i = 0; i < 3; ++i)
    file.columns[0].values[i] = std::string(10'000 + i, static_cast<char>('a' + i));
  EXPECT_EQ(stored(values_of(folder.write("x.parquet", parquet_of(file)), "image.bytes")),
            wanted(file.columns[0]));
}

TEST(StoredValues, in_snappy_are_found_within_a_page_of_many_blocks) {
  const TemporaryFolder folder;
  for (const int version : {1, 2}) {
    ParquetFile file = small_file(40);
    file.rows_a_group = 40;
    file.columns[0].codec = 1;
    file.columns[0].version = version;
    file.columns[0].values[3] = std::nullopt;
    for (std::size_t i = 4; i < 40; ++i)
      file.columns[0].values[i] =
          ppm(noise("noise", static_cast<std::uint32_t>(i), static_cast<Index>(20 + 3 * i), 50));
    file.columns[0].values[20] = ppm(noise("noise", 20, 300, 300));  // over several blocks
    const StoredValues values = values_of(folder.write("x.parquet", parquet_of(file)), "image.bytes");
    EXPECT_EQ(stored(values), wanted(file.columns[0])) << version;
    EXPECT_EQ(stored(values), wanted(file.columns[0])) << version;
  }
}

TEST(StoredValues, in_snappy_of_blocks_that_need_one_another_are_found_all_the_same) {
  const TemporaryFolder folder;
  ParquetFile file = small_file(2);
  file.columns[0].required = file.columns[1].required = true;
  file.columns[0].values[0] = file.columns[0].values[1] = ppm(noise("noise", 9, 256, 171));
  file.columns[0].codec = 1;
  file.columns[0].far_copies = true;
  const StoredValues values = values_of(folder.write("x.parquet", parquet_of(file)), "image.bytes");
  EXPECT_EQ(stored(values), wanted(file.columns[0]));
}

TEST(StoredValues, keep_decompressed_pages_of_one_row_group) {
  const TemporaryFolder folder;
  ParquetFile file = small_file(9);
  file.rows_a_group = 4;
  file.columns[0].rows_a_page = 1;
  file.columns[0].codec = 6;
  const StoredValues values = values_of(folder.write("x.parquet", parquet_of(file)), "image.bytes");
  const std::size_t page = file.columns[0].values[0]->size() + 4 + 4 + 2;  // with its levels
  EXPECT_EQ(values.kept_bytes(), 4 * page);
  EXPECT_EQ(values.whole_bytes(), 9 * page);
  EXPECT_EQ(values.whole_pages(), 9);
}

TEST(StoredValues, are_read_by_several_threads_at_once) {
  const TemporaryFolder folder;
  for (const int codec : {0, 1, 6}) {
    ParquetFile file = small_file(60);
    file.rows_a_group = 20;
    file.columns[0].rows_a_page = 3;
    file.columns[0].codec = codec;
    const StoredValues values = values_of(folder.write("x.parquet", parquet_of(file)), "image.bytes");
    std::vector<std::vector<std::string>> seen(4);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < seen.size(); ++t)
      threads.emplace_back([&, t] {
        for (int round = 0; round < 20; ++round) seen[t] = stored(values);
      });
    for (std::thread& thread : threads) thread.join();
    for (const auto& all : seen) EXPECT_EQ(all, wanted(file.columns[0]));
  }
}

std::string refusal(const ParquetFile& file) {
  const TemporaryFolder folder;
  const fs::path path = folder.write("x.parquet", parquet_of(file));
  return error_of([&] { stored(values_of(path, "image.bytes")); });
}

TEST(StoredValues, in_encodings_that_are_not_read_are_refused_by_name) {
  ParquetFile file = small_file();
  for (const auto& [number, name] : std::map<int, std::string>{{4, "BIT_PACKED"},
                                                               {5, "DELTA_BINARY_PACKED"},
                                                               {6, "DELTA_LENGTH_BYTE_ARRAY"},
                                                               {7, "DELTA_BYTE_ARRAY"},
                                                               {9, "BYTE_STREAM_SPLIT"},
                                                               {42, "encoding 42"}}) {
    file.columns[0].encoding = number;
    EXPECT_THAT(refusal(file),
                testing::AllOf(HasSubstr("x.parquet: column image.bytes, row group 0:"),
                               HasSubstr("is in " + name), HasSubstr("PLAIN and dictionaries are")));
  }
}

TEST(StoredValues, in_codecs_that_are_not_read_are_refused_by_name) {
  ParquetFile file = small_file();
  for (const auto& [number, name] :
       std::map<int, std::string>{{3, "LZO"}, {4, "BROTLI"}, {5, "LZ4"}, {7, "LZ4_RAW"}, {50, "codec 50"}}) {
    file.columns[0].codec = number;
    EXPECT_THAT(refusal(file), HasSubstr("column image.bytes, row group 0: is compressed by " + name +
                                         ", which is not read"));
  }
}

TEST(StoredValues, with_a_wrong_checksum_are_refused) {
  const TemporaryFolder folder;
  ParquetFile file = small_file(2);
  file.columns[0].checksums = true;
  file.columns[0].codec = 1;
  std::string bytes = parquet_of(file);
  const std::size_t at = bytes.find("P6 4 3 255");
  ASSERT_NE(at, bytes.npos);
  bytes[at + 20] ^= 1;
  EXPECT_THAT(error_of([&] { stored(values_of(folder.write("x.parquet", bytes), "image.bytes")); }),
              HasSubstr("is damaged: its checksum is another"));
}

/// Reads a whole file as a split does, and every image of it.
void read_all_of(const fs::path& path) {
  RawSplit split = read_split({path});
  const Images images(std::move(split.shards), std::move(split.labels));
  for (Index i = 0; i < images.size(); ++i) {
    try {
      images.image(i);
    } catch (const Error&) {  // of this image
    }
  }
}

TEST(ParquetFile, damage_by_every_prefix_and_every_changed_bit_is_read_or_refused) {
  int errors = 0;
  for (const int codec : {0, 1, 6}) {
    const bool compressed = codec > 0;
    ParquetFile file = small_file(3);
    file.rows_a_group = 2;
    file.columns[0].checksums = compressed;
    for (ParquetColumn& column : file.columns) {
      column.codec = codec;
      column.version = codec == 1 ? 2 : 1;
      column.dictionary = !compressed || column.type == 2;
    }
    const Deadline deadline(300);
    errors += damage(parquet_of(file), [&](const std::string& bytes) {
      const fuzz::MemoryFile file_in_memory(std::as_bytes(std::span(bytes)));
      read_all_of(file_in_memory.path());
    });
  }
  EXPECT_GT(errors, 3000);
}

}  // namespace
}  // namespace data::parquet
