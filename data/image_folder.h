#pragma once

#include <filesystem>
#include <string>

#include "data/class_order.h"
#include "data/dataset.h"

namespace data {

struct FolderOptions {
  bool allow_empty_class = false;  ///< a class folder without images is no Error
  bool val_counts = false;         ///< val is trained on, too: its classes are classes as train's are
  ClassOrder class_order = ClassOrder::sorted;  ///< of names that no class map orders
  std::string group = {};                       ///< a column of a list that goes into Splits::groups
};

/// The images of DIR/train/<class>/**, DIR/val and DIR/test, whose names may be others that split_folder
/// knows, with a note; another folder that holds classes of train is noted and passed over, and so is a test
/// without classes. Classes are the folder names of what is trained on, sorted, or those of a class map in
/// DIR; other splits may lack some but add none. Names that differ in case alone are two classes, with a
/// note. Images come class by class, sorted by path: all that is called *.jpg, .jpeg, .png, .bmp, .ppm or
/// .pgm (in any case), is no folder and not hidden. What cannot be read of them is found when the image is
/// asked for. Links to folders are followed, each folder once in a class, and never back up. Throws an Error
/// when there is no train, when a class folder holds no image, when there is one class only, or when a name
/// leaves open which split it is.
Splits open_image_folder(const std::filesystem::path& dir, const FolderOptions& options = {});

/// The images of DIR/<class>/** alone, as the train of a data set. One class is enough.
Splits open_class_folders(const std::filesystem::path& dir, const FolderOptions& options = {});

/// The same as all there is (Splits::whole), to be cut. Two classes are needed, and a class that is called as
/// a split is noted. Throws an Error where folders of splits lie one level deeper.
Splits open_whole_class_folders(const std::filesystem::path& dir, const FolderOptions& options = {});

/// True when DIR holds folders, none of them that of a split.
bool is_class_folders(const std::filesystem::path& dir);

}  // namespace data
