#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "data/dataset.h"
#include "data/image_folder.h"

namespace data {

/// The images of Parquet files as the Hugging Face hub stores them, image{bytes, path} with label, in shards
/// that are named by their split (parquet/shards.h), which columns are which says parquet/image_columns.h.
/// Classes of labels that are numbers have the names in the files' key `huggingface`, or those in
/// DIR/README.md, or else the numbers from 0 to the largest label of what is trained on. Labels that are
/// texts are classes, sorted as FolderOptions says. Other splits add no classes. Files whose names say no
/// split are all there is (Splits::whole). Throws an Error that names the file, and the row or the column
/// with the row group, when something cannot be read; an image whose bytes are null is found when it is asked
/// for, or by Dataset::check_there.
Splits open_parquet_folder(const std::filesystem::path& dir, const FolderOptions& options = {});

/// The images of one file as train; all there is (Splits::whole) unless its name says a split.
Splits open_parquet_file(const std::filesystem::path& file, const FolderOptions& options = {});

/// The shards of one split alone, or one file that is named by a split, whatever this is, as the train of a
/// data set. One class is enough. Nothing where there are shards of train, or none of that split, and of a
/// file that is to be cut.
std::optional<Splits> open_parquet_split(const std::filesystem::path& path, std::string_view split,
                                         const FolderOptions& options = {});

/// True of a folder that holds such files, and of such a file by its name.
bool is_parquet_folder(const std::filesystem::path& dir);
bool is_parquet_file(const std::filesystem::path& file);

}  // namespace data
