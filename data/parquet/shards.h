#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace data::parquet {

/// The Parquet files of a folder by the splits that their names say.
struct Shards {
  std::vector<std::filesystem::path> train, val, test;  ///< sorted by name
  std::vector<std::string> notes;

  /// Those of "train", "val" or "test".
  const std::vector<std::filesystem::path>& of(std::string_view split) const;
};

/// The files *.parquet in DIR and DIR/data that are not hidden: train.parquet, or shards
/// train-00000-of-00002.parquet. The split is the word before the first - . or _, if split_named knows it.
/// Where no file is named so all are train, which is noted; otherwise others are passed over, which is noted,
/// too. Throws an Error when a shard of a split is missing.
Shards find_shards(const std::filesystem::path& dir);

/// True when DIR or DIR/data holds a file *.parquet.
bool has_shards(const std::filesystem::path& dir);

}  // namespace data::parquet
