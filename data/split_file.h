#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace data {

/// Text files with one image a line, `path label`: the path is relative to `root` and may leave it (`../`,
/// or absolute: whoever writes a list may name any file), the label a whole number after the last space.
struct SplitFiles {
  std::filesystem::path train = {}, val = {}, test = {};  ///< empty where absent; train is required
  std::filesystem::path root = {};
  bool val_counts = false;  ///< val is trained on, too: its labels are classes as train's are
  bool judged = false;      ///< train is only judged: it may lack any class, and have one alone
};

/// The images in the order of the lists; one that is there twice counts twice, with a note. Classes
/// are the lines of root/classes.txt where it exists, otherwise the numbers from 0 to the largest label of
/// what is trained on; those that no line of it has are noted. Errors name the list and the line.
Splits open_split_files(const SplitFiles& files);

/// The lines of dir/classes.txt, or nothing when there is no such file.
std::vector<std::string> read_class_names(const std::filesystem::path& dir);

/// "0" to "count - 1".
std::vector<std::string> numbered_classes(Index count);

}  // namespace data
