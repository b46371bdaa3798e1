#include "data/sources.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "data/folder_items.h"
#include "data/idx.h"
#include "data/metadata.h"
#include "data/spelling.h"
#include "data/split_file.h"
#include "data/split_names.h"
#include "data/table.h"
#include "engine/base/text.h"

namespace data {
namespace {

namespace fs = std::filesystem;

/// VTAB-1k as it is commonly handed round: three lists beside the images.
SplitFiles vtab_lists(const fs::path& dir) {
  return {dir / "train800.txt", dir / "val200.txt", dir / "test.txt", dir};
}

bool is_vtab(const fs::path& dir) {
  std::error_code error;
  return fs::exists(vtab_lists(dir).train, error);
}

Splits open_vtab(const fs::path& dir, const FolderOptions& options) {
  SplitFiles files = vtab_lists(dir);
  files.val_counts = options.val_counts;
  std::error_code error;
  if (!fs::exists(files.val, error)) files.val.clear();
  if (!fs::exists(files.test, error)) files.test.clear();
  return open_split_files(files);
}

/// Ends of the names of archives, and what unpacks them.
constexpr std::array<std::pair<std::string_view, const char*>, 9> kArchives = {{{".zip", "unzip"},
                                                                                {".tar", "tar -xf"},
                                                                                {".tar.gz", "tar -xf"},
                                                                                {".tgz", "tar -xf"},
                                                                                {".tar.bz2", "tar -xf"},
                                                                                {".tbz2", "tar -xf"},
                                                                                {".tar.xz", "tar -xf"},
                                                                                {".txz", "tar -xf"},
                                                                                {".tar.zst", "tar -xf"}}};

Splits open_idx_files(const fs::path& dir, const FolderOptions& options) {
  return open_idx(dir, options.val_counts);
}

/// A list as all there is, with paths relative to its folder. Throws an Error that says what to do with an
/// archive.
Splits open_file(const fs::path& file, const FolderOptions& options) {
  if (Table::is_table(file))
    return open_split_files({.train = file,
                             .root = file.parent_path(),
                             .val_counts = options.val_counts,
                             .whole = true,
                             .group = options.group,
                             .order = options.class_order});
  const std::string name = in_lower_case(file.filename().string());
  std::string unpacks;
  for (const auto& [end, command] : kArchives)
    if (unpacks.empty() && name.ends_with(end)) unpacks = command;
  check(unpacks.empty(), file.string() + ":", "is an archive; unpack it with: mkdir data &&",
        unpacks + ' ' + file.string(),
        std::string(unpacks == "unzip" ? "-d" : "-C") + " data, and give --data data");
  throw Error(file.string() + ": is not a folder with data; a list of images is called .csv, .tsv or .jsonl");
}

constexpr std::array<Source, 6> kSources = {{
    {"metadata", "metadata.csv or .jsonl beside images", is_metadata_folder, open_metadata_folder},
    {"folders", "train/<class>/<image>", has_split_folder, open_image_folder},
    {"VTAB lists", "train800.txt", is_vtab, open_vtab},
    {"IDX", "train-images-idx3-ubyte[.gz]", is_idx, open_idx_files},
    {"folders by other names", "", has_split_folder_by_any_name, open_image_folder},
    {"class folders", "<class>/<image>", is_class_folders, open_whole_class_folders},
}};

}  // namespace

std::span<const Source> sources() {
  return kSources;
}

Splits open_data(const fs::path& dir, const FolderOptions& options) {
  std::error_code error;
  if (fs::is_regular_file(dir, error)) return open_file(dir, options);
  check(fs::is_directory(dir, error), dir.string() + ":", "is not a folder with data");
  std::vector<std::string> wants;
  for (const Source& source : kSources) {
    if (source.detects(dir)) return source.open(dir, options);
    if (!source.wants.empty()) wants.emplace_back(source.wants);
  }
  const std::vector<Item> items = items_in(dir);
  check(
      std::ranges::none_of(items, [](const Item& item) { return !item.folder && is_image_name(item.path); }),
      dir.string() + ":",
      "holds images without labels; they lie in <class>/<image>, or a metadata.csv lists them with",
      "their labels; `espalier predict` needs none");
  throw Error("no train split: " + (dir / "train").string() + " does not exist; a data folder holds " +
              engine::join(wants, " or "));
}

}  // namespace data
