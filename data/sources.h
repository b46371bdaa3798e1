#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "data/dataset.h"
#include "data/image_folder.h"

namespace data {

/// A way a data set can lie in a folder, or in a file.
struct Source {
  std::string_view name;
  std::string_view wants;  ///< what it is recognised by, for the message when nothing fits; may be empty
  bool (*detects)(const std::filesystem::path& dir);
  Splits (*open)(const std::filesystem::path& dir, const FolderOptions& options);
  /// Opens one split as the train of a data set; nothing when there is a train, or not that split. May be
  /// null.
  std::optional<Splits> (*open_alone)(const std::filesystem::path& dir, std::string_view split,
                                      const FolderOptions& options);
};

/// All of them, in the order they are tried.
std::span<const Source> sources();

/// The data set in a folder, or in a file, in whatever form it lies there. Throws
/// an Error that names what would be right.
Splits open_data(const std::filesystem::path& dir, const FolderOptions& options = {});

/// One split of a folder that has no train to give the classes, as the train of a data set; one class is
/// enough. Nothing of other folders.
std::optional<Splits> open_split_alone(const std::filesystem::path& dir, std::string_view split,
                                       const FolderOptions& options = {});

}  // namespace data
