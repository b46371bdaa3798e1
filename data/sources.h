#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "data/dataset.h"
#include "data/image_folder.h"

namespace data {

/// A way a data set can lie in a folder.
struct Source {
  std::string_view name;
  std::string_view wants;  ///< what it is recognised by, for the message when nothing fits; may be empty
  bool (*detects)(const std::filesystem::path& dir);
  Splits (*open)(const std::filesystem::path& dir, const FolderOptions& options);
};

/// All of them, in the order they are tried.
std::span<const Source> sources();

/// The data set in a folder, in whatever form it lies there, or that of a list (.csv, .tsv, .jsonl). Throws
/// an Error that names what would be right.
Splits open_data(const std::filesystem::path& dir, const FolderOptions& options = {});

}  // namespace data
