// Files of several writers: each is read as they mean it, or refused by what it has that is not read.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "data/parquet/column.h"
#include "data/parquet_folder.h"
#include "engine/io/sha256.h"
#include "tests/data/parquet/support.h"

namespace data::parquet {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

fs::path golden_folder() {
  return shared_folder() / "golden/exports/parquet";
}

/// What is refused, and the words that say why.
const std::map<std::string, std::string> kRefused = {
    {"duckdb_v2.parquet", "column label, row group 0: the page at byte 5557 is in DELTA_BINARY_PACKED"},
    {"pa_brotli.parquet", "BROTLI"},
    {"pa_byte_stream_split.parquet", "BYTE_STREAM_SPLIT"},
    {"pa_delta.parquet", "DELTA_"},
    {"pa_lz4.parquet", "LZ4"},
    {"pa_null_label.parquet", "pa_null_label.parquet:3: column label is null"}};

class GoldenParquet : public testing::Test {
 protected:
  void SetUp() override {
    const fs::path path = golden_folder() / "expected.json";
    if (!fs::exists(path)) GTEST_SKIP() << "no files of other writers: " << path << " does not exist";
    expected_ = json::parse(read_text(path));
  }
  json expected_;
};

TEST_F(GoldenParquet, every_file_is_read_right_or_refused_by_name) {
  int read = 0;
  for (const auto& [name, expected] : expected_.items()) {
    if (!expected.is_object()) continue;
    SCOPED_TRACE(name);
    const fs::path path = golden_folder() / name;
    const auto refused = kRefused.find(name);
    if (refused != kRefused.end()) {
      const std::string error = error_of([&] { open_parquet_file(path); });
      EXPECT_THAT(error, HasSubstr(refused->second));
      EXPECT_THAT(error, HasSubstr(name));
      continue;
    }
    ++read;
    const Splits splits = open_parquet_file(path);
    const Dataset& images = *splits.train;
    ASSERT_EQ(images.size(), static_cast<Index>(expected["rows"]));
    const bool named = expected["metadata"].contains("huggingface");
    const bool texts = expected["labels"][0].is_string();
    EXPECT_EQ(json(splits.classes), named || texts ? expected_["class_names"] : json({"0", "1", "2"}));
    for (Index i = 0; i < images.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      SCOPED_TRACE(i);
      EXPECT_EQ(images.name(i), path.string() + ":" + std::to_string(i));
      const json& label = expected["labels"][at];
      if (texts)
        EXPECT_EQ(splits.classes[static_cast<std::size_t>(images.label(i))], label);
      else
        EXPECT_EQ(images.label(i), static_cast<Index>(label));
      if (expected["sha256"][at].is_null()) {
        EXPECT_THAT(error_of([&] { images.image(i); }), HasSubstr(name + ":3: column image.bytes is null"));
        EXPECT_THAT(error_of([&] { images.check_there(i); }), HasSubstr(":3: column image.bytes is null"));
        continue;
      }
      EXPECT_EQ(images.sha256(i), expected["sha256"][at]);
      EXPECT_NO_THROW(images.image(i));
    }
  }
  EXPECT_EQ(read, 43);
}

TEST_F(GoldenParquet, every_path_is_read_right) {
  for (const auto& [name, expected] : expected_.items()) {
    if (!expected.is_object() || kRefused.contains(name)) continue;
    SCOPED_TRACE(name);
    const engine::File file(golden_folder() / name);
    const Footer footer = read_footer(file);
    auto column = footer.find("image.path");
    if (!column) column = footer.find("img.path");
    if (!column) continue;
    json paths = json::array();
    std::vector<Index> rows_of_groups;
    for (std::size_t group = 0; group < footer.groups.size(); ++group) {
      rows_of_groups.push_back(footer.groups[group].rows);
      read_texts(file, footer, *column, group, [&](Index, const std::string_view* text) {
        paths.push_back(text != nullptr ? json(*text) : json());
      });
    }
    EXPECT_EQ(paths, expected["paths"]);
    EXPECT_EQ(json(rows_of_groups), expected["rows_of_groups"]);
  }
}

TEST_F(GoldenParquet, every_chunk_is_described_right) {
  for (const auto& [name, expected] : expected_.items()) {
    if (!expected.is_object()) continue;
    SCOPED_TRACE(name);
    const Footer footer = read_footer(engine::File(golden_folder() / name));
    EXPECT_EQ(footer.columns.size(), expected["columns"].size());
    for (const auto& [column, what] : expected["columns"].items()) {
      const auto at = footer.find(column.find(".list.") == column.npos ? column : "box.list.element");
      ASSERT_TRUE(at.has_value()) << column;
      EXPECT_EQ(name_of(footer.columns[*at].type), what["physical"]);
      EXPECT_EQ(footer.columns[*at].definition, what["max_definition_level"]);
      EXPECT_EQ(footer.columns[*at].text, what["logical"] == "String");
      const std::string codec = name_of(footer.groups[0].chunks[*at].codec), other = what["compression"];
      EXPECT_EQ(codec, other == "LZ4" ? "LZ4_RAW" : other);  // pyarrow's name of it
    }
    for (const auto& [key, value] : expected["metadata"].items()) EXPECT_EQ(footer.metadata.at(key), value);
  }
}

TEST_F(GoldenParquet, a_folder_of_the_hub_is_its_splits) {
  const Splits splits = open_data(golden_folder() / "hub");
  EXPECT_THAT(splits.classes, ElementsAre("1 rose", "10 tulip", "2 oak"));
  EXPECT_THAT(labels(*splits.train), ElementsAre(0, 0, 0, 0, 1, 1, 1, 1, 2));
  EXPECT_THAT(labels(*splits.test), ElementsAre(2, 2, 2));
  const Splits folders = open_class_folders(golden_folder() / "source");
  EXPECT_EQ(folders.classes, splits.classes);
  for (Index i = 0; i < 9; ++i) EXPECT_EQ(splits.train->image(i), folders.train->image(i)) << i;
  for (Index i = 0; i < 3; ++i) EXPECT_EQ(splits.test->image(i), folders.train->image(9 + i)) << i;
}

}  // namespace
}  // namespace data::parquet
