#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/image_files.h"

namespace data {

/// What a list may have beside paths and labels.
struct ListColumns {
  std::string group = {};    ///< the column to be read into `groups`; empty: none
  bool needs_labels = true;  ///< a list without a column of labels is an Error
};

/// The images of a list, in its order, with labels as they are written there.
struct ListedImages {
  std::vector<ImageFiles::Entry> images;   ///< a label is a place in `labels`
  std::vector<std::string> labels, where;  ///< every label once, and the "file:line:" that first has it
  std::vector<std::string> splits;  ///< of each image train, val or test; empty where there is no such column
  std::vector<std::string> groups;  ///< of each image; empty where no column was asked for
  bool numbered = false;            ///< labels are whole numbers, all of them
  bool plain = false;               ///< lines `path label`
};

/// Reads a list: .csv, .tsv and .jsonl with the columns path (or file, file_name, image, or one that ends in
/// _file_name) and label (or class), any other file with lines `path label`, whose labels are numbers. Paths
/// are relative to `root` and may leave it (`../`, or absolute: whoever writes a list may name any file).
/// Throws an Error that names the file, and the line where there is one.
ListedImages read_list(const std::filesystem::path& list, const std::filesystem::path& root,
                       const ListColumns& columns = {});

/// True for a text that is a whole number of 0 or more.
bool is_whole_number(std::string_view text);

/// Notes when a list names images more than once: most often a slip, but it may be meant as a weight.
void note_repeats(const std::filesystem::path& list, const std::vector<ImageFiles::Entry>& images,
                  std::vector<std::string>& notes);

}  // namespace data
