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
  bool whole = false;  ///< train is all there is: no file is named by a split
  std::vector<std::string> notes;

  /// Those of "train", "val" or "test".
  const std::vector<std::filesystem::path>& of(std::string_view split) const;
};

/// The files *.parquet in DIR and DIR/data that are not hidden: train.parquet, or shards
/// train-00000-of-00002.parquet. The split is the word before the first - . or _, if split_named knows it.
/// Where no file is named so all are one data set, which is noted; otherwise others are passed over, which is
/// noted, too. Throws an Error when a shard of a split is missing, or when the split of a name is contested.
Shards find_shards(const std::filesystem::path& dir);

/// The split that the name of such a file says; empty for none.
std::string_view split_of_shard(const std::filesystem::path& file);

/// True when DIR or DIR/data holds a file *.parquet.
bool has_shards(const std::filesystem::path& dir);

}  // namespace data::parquet
