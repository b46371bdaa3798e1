#pragma once

#include <filesystem>

#include "data/dataset.h"

namespace data {

/// The pictures of DIR/train/<class>/**, DIR/val (or validation) and DIR/test. Classes are the folder names
/// of train, sorted by their bytes; other splits may lack some but add none. Pictures come class by class,
/// sorted by path. Only files called *.jpg, .jpeg, .png, .bmp, .ppm or .pgm (in any case) are taken; hidden
/// ones are not. Links to folders are followed, each folder once. Throws an Error when there is no train,
/// when a class folder holds no picture, or when there is one class only.
Splits open_image_folder(const std::filesystem::path& dir);

/// The pictures of DIR/<class>/** alone, as the train of a data set. One class is enough.
Splits open_class_folders(const std::filesystem::path& dir);

/// True when DIR holds the folder of a split.
bool is_image_folder(const std::filesystem::path& dir);

}  // namespace data
