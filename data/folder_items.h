#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/image.h"

namespace data {

struct Item {
  std::filesystem::path path;
  bool folder;  ///< or a link to one
};

/// What is in a folder without the hidden things, sorted by name. Throws an Error when it cannot be listed.
std::vector<Item> items_in(const std::filesystem::path& dir);

bool is_folder(const std::filesystem::path& path);

/// What the names of files with images end in, for messages: ".jpg, .jpeg, ... or .pgm".
std::string image_extensions();
/// True for a name that ends in one of these, in any case.
bool is_image_name(const std::filesystem::path& path);

/// The images below a folder, sorted by path, and how many other files there are. Links to folders are
/// followed, each folder once, and never back up.
struct ImagesBelow {
  std::vector<std::filesystem::path> images;
  Index ignored = 0;
};
ImagesBelow images_below(const std::filesystem::path& dir);

}  // namespace data
