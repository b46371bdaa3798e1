#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace data {

/// The split that people mean by a name, "train", "val" or "test": the whole name in any case (training,
/// Valid, validation, dev, testing), or one word of it, as datasets finds them (train2017, imgs_val,
/// test-set). "contested" for eval and evaluation, which are test for datasets and validation for timm.
/// Empty for any other name.
std::string_view split_named(std::string_view name);

/// True when that is the whole name, not a word of it.
bool is_whole_split_name(std::string_view name);

/// The folder of a split in DIR, by split_named(); one with a whole name comes before one with a word of it.
/// Empty when there is none. A folder that holds images, but neither folders nor a list of them, is no split:
/// it may be a class that is called so. Throws an Error that names them when there are several.
std::filesystem::path split_folder(const std::filesystem::path& dir, std::string_view split);

/// True when DIR holds the folder of a split: called train, val or test, or by any name for one.
bool has_split_folder(const std::filesystem::path& dir);
bool has_split_folder_by_any_name(const std::filesystem::path& dir);

/// Throws an Error that names a file or folder when its split, by split_named(), is contested.
void refuse_contested(const std::filesystem::path& path, std::string_view split);

/// The same for every folder in DIR, unless it may be a class.
void refuse_contested_splits(const std::filesystem::path& dir);

}  // namespace data
