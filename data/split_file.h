#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/class_order.h"
#include "data/dataset.h"

namespace data {

/// Lists of images (see read_list), one for each split; or one alone whose column `split` says of each image
/// which it is in.
struct SplitFiles {
  std::filesystem::path train = {}, val = {}, test = {};  ///< empty where absent; train is required
  std::filesystem::path root = {};  ///< what paths are relative to, and where a class map lies
  bool beside_lists = false;        ///< paths are relative to the folder of each list, not to the root
  bool val_counts = false;          ///< val is trained on, too: its labels are classes as train's are
  bool judged = false;              ///< train is only judged: it may lack any class, and have one alone
  bool whole = false;               ///< train is all there is: Splits::whole, unless it has a column split
  std::string group = {};           ///< a column that goes into Splits::groups
  ClassOrder order = ClassOrder::sorted;  ///< of classes that are named in the lists
};

/// The images in the order of the lists; one that is there twice counts twice, with a note. Labels are
/// numbers where all of what is trained on are, otherwise names. Classes are those of the class map in the
/// root where there is one, which labels name or count; otherwise the numbers from 0 to the largest label, or
/// the names in their order. Those of a map, or numbers, that no line has are noted. Errors name the list and
/// the line.
Splits open_split_files(const SplitFiles& files);

/// "0" to "count - 1".
std::vector<std::string> numbered_classes(Index count);

}  // namespace data
