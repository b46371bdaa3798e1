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
  enum class Place { folder, file };
  std::string_view name;
  std::string_view wants;  ///< what it is recognised by, for the message when nothing fits; may be empty
  Place place;             ///< what the functions below are given
  bool (*detects)(const std::filesystem::path& path);
  Splits (*open)(const std::filesystem::path& path, const FolderOptions& options);
  /// Opens one split as the train of a data set; nothing when there is a train, or not that split. May be
  /// null.
  std::optional<Splits> (*open_alone)(const std::filesystem::path& path, std::string_view split,
                                      const FolderOptions& options);
  bool may_be_classes = false;  ///< folders right below the path may be classes
};

/// All of them, in the order they are tried.
std::span<const Source> sources();

/// The first that detects what is there; null when none does, or nothing is there.
const Source* find_source(const std::filesystem::path& path);

/// The data set in a folder or a file, in whatever form it lies there. Throws an Error that names what would
/// be right, for an archive the command that unpacks it.
Splits open_data(const std::filesystem::path& path, const FolderOptions& options = {});

/// True for a folder that no source detects and that holds images: they have no labels.
bool holds_unlabelled_images(const std::filesystem::path& path);

/// The images at or below such a folder, in the order of their paths, as the train of a data set with one
/// class, "unlabelled".
Splits open_unlabelled(const std::filesystem::path& dir);

/// One split of data that has no train to give the classes, as the train of a data set; one class is
/// enough. Nothing of other data.
std::optional<Splits> open_split_alone(const std::filesystem::path& path, std::string_view split,
                                       const FolderOptions& options = {});

}  // namespace data
