#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/parquet/images.h"
#include "tests/data/bytes.h"
#include "tests/data/split_support.h"
#include "tests/support/parquet_bytes.h"

namespace data::parquet {

using support::int32_of;
using support::int64_of;
using support::parquet_of;
using support::ParquetColumn;
using support::ParquetFile;

/// What the datasets library writes into the footer for columns image and label with these classes.
inline std::map<std::string, std::string> features_of(const std::string& names) {
  return {{"huggingface", R"({"info": {"features": {"image": {"_type": "Image"}, "label": {"names": [)" +
                              names + R"(], "_type": "ClassLabel"}}}})"}};
}

/// A file of `count` small images, of which image i is noise(i) with label i % 3, in the form of the hub.
inline ParquetFile small_file(std::size_t count = 7) {
  ParquetColumn bytes{.name = "image.bytes"}, path{.name = "image.path"}, label{.name = "label", .type = 2};
  for (std::size_t i = 0; i < count; ++i) {
    bytes.values.push_back(ppm(noise("noise", static_cast<std::uint32_t>(i), 4, 3)));
    path.values.push_back("0.ppm");
    label.values.push_back(int64_of(static_cast<std::int64_t>(i % 3)));
  }
  return {.columns = {bytes, path, label},
          .rows_a_group = 3,
          .metadata = features_of(R"("rose", "oak", "tulip")")};
}

/// The bytes of every image of a data set as the file has them.
inline std::vector<std::string> stored(const StoredValues& values) {
  std::vector<std::string> all;
  for (Index i = 0; i < values.size(); ++i) {
    if (values.is_null(i)) {
      all.emplace_back("null");
      continue;
    }
    const Buffer bytes = values.value(i);
    all.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return all;
}

/// The values of one column of a file.
inline StoredValues values_of(const fs::path& path, const std::string& column) {
  auto file = std::make_shared<const engine::File>(path);
  auto footer = std::make_shared<const Footer>(read_footer(*file));
  const auto at = footer->find(column);
  check(at.has_value(), "no column", column);
  return StoredValues({{file, footer, *at}});
}

}  // namespace data::parquet
