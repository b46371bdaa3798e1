#pragma once

#include <filesystem>
#include <string_view>

#include "data/dataset.h"

namespace data {

struct FolderOptions {
  bool allow_empty_class = false;  ///< a class folder without images is no Error
  bool val_counts = false;         ///< val is trained on, too: its classes are classes as train's are
};

/// The folder of a split (train, val or test) in DIR: the one with a name that people give it, such as
/// training, Valid or validation; empty when there is none. Throws an Error that names them when there are
/// several.
std::filesystem::path split_folder(const std::filesystem::path& dir, std::string_view split);

/// The images of DIR/train/<class>/**, DIR/val and DIR/test, whose names may be others that split_folder
/// knows, with a note; another folder that holds classes of train is noted and passed over. Classes are the
/// folder names of what is trained on, sorted by their bytes; other splits may lack some but add none. Names
/// that differ in case alone are two classes, with a note. Images come class by class, sorted by path: all
/// that is called *.jpg, .jpeg, .png, .bmp, .ppm or .pgm (in any case), is no folder and not hidden. What
/// cannot be read of them is found when the image is asked for. Links to folders are followed, each folder
/// once in a class, and never back up. Throws an Error when there is no train, when a class folder holds no
/// image, or when there is one class only.
Splits open_image_folder(const std::filesystem::path& dir, const FolderOptions& options = {});

/// The images of DIR/<class>/** alone, as the train of a data set. One class is enough.
Splits open_class_folders(const std::filesystem::path& dir, const FolderOptions& options = {});

/// True when DIR holds the folder of a split, under its own name or, for the second, under any.
bool is_image_folder(const std::filesystem::path& dir);
bool is_image_folder_by_other_names(const std::filesystem::path& dir);

}  // namespace data
