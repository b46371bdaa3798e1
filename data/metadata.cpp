#include "data/metadata.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

#include "data/folder_items.h"
#include "data/list_file.h"
#include "data/spelling.h"
#include "data/split_file.h"
#include "data/split_names.h"
#include "engine/base/text.h"
#include "engine/io/in_quotes.h"

namespace data {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

/// A file that is called almost as a list of metadata; empty where there is none.
fs::path almost_metadata(const fs::path& dir) {
  for (const Item& item : items_in(dir)) {
    const std::string name = in_lower_case(item.path.filename().string());
    const bool known = item.path.filename() == "metadata.csv" || item.path.filename() == "metadata.jsonl";
    if (item.folder || known) continue;
    for (const char* almost :
         {"metadata.csv", "metadata.jsonl", "metadata.tsv", "metadata.json", "metadata.parquet"})
      if (name == almost) return item.path;
  }
  return {};
}

/// The list of a folder; empty where there is none.
fs::path metadata_of(const fs::path& dir) {
  const fs::path csv = dir / "metadata.csv", jsonl = dir / "metadata.jsonl";
  check(!is_file(csv) || !is_file(jsonl), dir.string() + ":",
        "has metadata.csv and metadata.jsonl; one of them is right");
  return is_file(csv) ? csv : is_file(jsonl) ? jsonl : fs::path();
}

/// The first folder of a path below DIR; empty for an image that lies in DIR itself.
std::string first_folder(const fs::path& image, const fs::path& dir) {
  const fs::path below = image.lexically_relative(dir.lexically_normal());
  return below.has_parent_path() ? below.begin()->string() : std::string();
}

/// Refuses a list in DIR which names images in folders that mean something else than its labels say.
void check_folders(const fs::path& list, const ListedImages& read, const fs::path& dir) {
  const std::set<std::string> labels(read.labels.begin(), read.labels.end());
  for (const ImageFiles::Entry& image : read.images) {
    const std::string folder = first_folder(image.path, dir);
    if (folder.empty()) continue;
    const std::string& label = read.labels[static_cast<std::size_t>(image.label)];
    check(!labels.contains(folder) || label == folder, list.string() + ":", image.path, "has the label",
          engine::in_quotes(label), "and lies in the folder",
          engine::in_quotes(folder) + "; one of the two is right");
    check(
        labels.contains(folder) || split_named(folder).empty() || !read.splits.empty(), list.string() + ":",
        "lists images in", engine::in_quotes(folder),
        "which is a split by its name; datasets reads a list only in the folder of its split: put one into each, or "
        "add a column split");
  }
}

/// Notes the images below DIR that a list does not name.
void note_unlisted(const fs::path& list, const Dataset& images, Splits& splits) {
  std::set<std::string> listed;
  for (Index i = 0; i < images.size(); ++i) listed.insert(images.name(i));
  Index left_out = 0;
  std::string first;
  for (const fs::path& image : images_below(list.parent_path()).images) {
    if (listed.contains(image.lexically_normal().string())) continue;
    if (left_out++ == 0) first = image.string();
  }
  if (left_out > 0)
    splits.notes.push_back(engine::say(list.string() + ":", "lacks", left_out,
                                       left_out == 1 ? "image" : "images", "of its folder, such as",
                                       first + "; left out"));
}

/// Class folders with further columns in a list.
Splits open_class_folders_with(const fs::path& list, const ListedImages& read, const fs::path& dir,
                               const FolderOptions& options) {
  Splits splits = open_whole_class_folders(dir, options);
  if (options.group.empty()) return splits;
  std::unordered_map<std::string, std::string> group_of;
  for (std::size_t i = 0; i < read.images.size(); ++i) {
    const auto at = group_of.emplace(read.images[i].path, read.groups[i]).first;
    check(at->second == read.groups[i], list.string() + ":", read.images[i].path, "has the", options.group,
          engine::in_quotes(at->second), "and",
          engine::in_quotes(read.groups[i]) + "; one of the two is right");
  }
  for (Index i = 0; i < splits.train->size(); ++i) {
    const auto found = group_of.find(fs::path(splits.train->name(i)).lexically_normal().string());
    check(found != group_of.end(), list.string() + ":", "lacks",
          splits.train->name(i) + ", whose group is needed");
    splits.groups.push_back(found->second);
  }
  return splits;
}

Splits open_whole(const fs::path& list, const fs::path& dir, const FolderOptions& options) {
  const ListedImages read = read_list(list, dir, {.group = options.group, .needs_labels = false});
  if (read.labels == std::vector<std::string>{""}) return open_class_folders_with(list, read, dir, options);
  check_folders(list, read, dir);
  Splits splits = open_split_files({.train = list,
                                    .root = dir,
                                    .val_counts = options.val_counts,
                                    .whole = true,
                                    .group = options.group,
                                    .order = options.class_order});
  std::shared_ptr<const Dataset> all = splits.train;
  for (const auto& split : {splits.val, splits.test})
    if (split) all = concat(all, split);
  note_unlisted(list, *all, splits);
  return splits;
}

}  // namespace

bool has_metadata(const fs::path& dir) {
  return is_file(dir / "metadata.csv") || is_file(dir / "metadata.jsonl");
}

bool is_metadata_folder(const fs::path& dir) {
  if (has_split_folder_by_any_name(dir))
    return std::ranges::any_of(std::array{"train", "val", "test"}, [&](const char* split) {
      const fs::path folder = split_folder(dir, split);
      return !folder.empty() && has_metadata(folder);
    });
  const std::vector<Item> items = items_in(dir);
  return has_metadata(dir) || (!almost_metadata(dir).empty() &&
                               std::ranges::none_of(items, [](const Item& item) { return item.folder; }));
}

Splits open_metadata_folder(const fs::path& dir, const FolderOptions& options) {
  const fs::path own = metadata_of(dir), almost = almost_metadata(dir);
  if (!has_split_folder_by_any_name(dir)) {
    check(!own.empty(), almost.string() + ":",
          "is not read, as datasets does not read it; metadata.csv and metadata.jsonl are such lists");
    return open_whole(own, dir, options);
  }
  refuse_contested_splits(dir);
  check(own.empty(), own.string() + ":",
        "lies beside folders of splits, where datasets does not read it; put a list into each of them");
  SplitFiles files{
      .root = dir, .beside_lists = true, .val_counts = options.val_counts, .order = options.class_order};
  const std::pair<const char*, fs::path*> all[] = {
      {"train", &files.train}, {"val", &files.val}, {"test", &files.test}};
  std::vector<std::string> notes;
  for (const auto& [split, list] : all) {
    const fs::path folder = split_folder(dir, split);
    if (folder.empty()) continue;
    *list = metadata_of(folder);
    check(!list->empty(), folder.string() + ":",
          "has no metadata.csv or metadata.jsonl, as another split has");
    if (folder.filename() != split)
      notes.push_back(engine::say(folder.string() + ":", "is taken for the", split, "split"));
  }
  for (const Item& item : items_in(dir)) {
    const std::string_view split = split_named(item.path.filename().string());
    if (!item.folder || split.empty() || split_folder(dir, split) == item.path) continue;
    check(split != "val", item.path.string() + ":",
          "has no metadata.csv or metadata.jsonl, as another split has");
    notes.push_back(engine::say(item.path.string() + ":",
                                "holds images without classes; passed over, as they are no", split, "split"));
  }
  check(!files.train.empty(), "no train split:", (dir / "train").string(), "does not exist");
  Splits splits = open_split_files(files);
  std::ranges::move(notes, std::back_inserter(splits.notes));
  note_unlisted(files.train, *splits.train, splits);
  if (splits.val) note_unlisted(files.val, *splits.val, splits);
  if (splits.test) note_unlisted(files.test, *splits.test, splits);
  return splits;
}

}  // namespace data
