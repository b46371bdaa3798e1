#include "data/image_folder.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "data/folder_items.h"
#include "data/image_files.h"
#include "data/metadata.h"
#include "data/spelling.h"
#include "data/split_names.h"
#include "engine/base/text.h"

namespace data {
namespace {

namespace fs = std::filesystem;

/// One split: its class folders' names and the images, with labels that count in `names`.
struct Split {
  std::vector<std::string> names;
  std::vector<ImageFiles::Entry> images;
  Index ignored = 0;
  std::vector<std::string> notes;
};

/// Notes images that belong to no class, and those that others than us would take for another class.
void note_places(const fs::path& dir, const std::vector<fs::path>& beside,
                 const std::vector<fs::path>& deeper, Split& split) {
  const auto images = [&](const std::vector<fs::path>& all) {
    return engine::say(dir.string() + ":", all.size(), all.size() == 1 ? "image" : "images");
  };
  if (!beside.empty())
    split.notes.push_back(
        engine::say(images(beside), "beside the class folders passed over, such as", beside[0].string()));
  if (!deeper.empty())
    split.notes.push_back(engine::say(images(deeper), "below folders of a class, such as",
                                      deeper[0].string() + "; the class is the first folder"));
}

Split read_split(const fs::path& dir, const FolderOptions& options) {
  Split split;
  std::vector<std::string> empty;
  std::vector<fs::path> beside, deeper;
  for (const Item& item : items_in(dir)) {
    if (!item.folder) {
      if (is_image_name(item.path))
        beside.push_back(item.path);
      else
        ++split.ignored;
      continue;
    }
    const ImagesBelow found = images_below(item.path);
    if (found.images.empty()) empty.push_back(item.path.string());
    for (const fs::path& image : found.images) {
      split.images.push_back({image.string(), static_cast<Index>(split.names.size())});
      if (image.parent_path() != item.path) deeper.push_back(image);
    }
    split.names.push_back(item.path.filename().string());
    split.ignored += found.ignored;
  }
  check(empty.empty() || options.allow_empty_class, engine::join(empty, ", ") + ":",
        "no images in this class (" + image_extensions() + "); --allow-empty-class takes it");
  check(!split.names.empty(), dir.string() + ":",
        "holds no class folders; images lie in <split>/<class>/<file>");
  check(!split.images.empty(), dir.string() + ":", "no images in any class");
  note_places(dir, beside, deeper, split);
  return split;
}

/// Notes classes that a file system without case, or a human, would take for one.
void note_case(const fs::path& dir, Splits& splits) {
  std::map<std::string, std::string> seen;
  for (const std::string& name : splits.classes) {
    const auto [at, is_new] = seen.emplace(in_lower_case(name), name);
    if (!is_new)
      splits.notes.push_back(engine::say(dir.string() + ":", "the classes", at->second, "and", name,
                                         "differ in case alone; they are taken for two"));
  }
}

/// Notes folders that hold images or the classes of train and are no split, and images without classes in
/// one that is by its name: nobody wants a validation that is there to be passed over in silence. A val is
/// refused.
void note_passed_over(const fs::path& root, const std::vector<fs::path>& taken, Splits& splits) {
  std::vector<std::string> beside;
  for (const Item& item : items_in(root)) {
    if (!item.folder || std::ranges::find(taken, item.path) != taken.end()) continue;
    const std::string_view split = split_named(item.path.filename().string());
    const std::vector<Item> items = items_in(item.path);
    const bool flat =
        std::ranges::any_of(items, [](const Item& i) { return !i.folder && is_image_name(i.path); });
    if (!split.empty() && flat) {
      check(split != "val", item.path.string() + ":",
            "holds no class folders; images lie in <split>/<class>/<file>");
      splits.notes.push_back(engine::say(item.path.string() + ":",
                                         "holds images without classes; passed over, as they are no", split,
                                         "split"));
    } else if (std::ranges::any_of(splits.classes,
                                   [&](const auto& name) { return is_folder(item.path / name); }))
      splits.notes.push_back(engine::say(item.path.string() + ":",
                                         "holds classes of train, but is no split by its name, so that it is",
                                         "passed over; val and test are such names"));
    else if (flat)
      beside.push_back(item.path.filename().string());
  }
  if (!beside.empty())
    splits.notes.push_back(engine::say(root.string() + ":", "passed over: the images in",
                                       engine::join(beside, ", "), "beside",
                                       taken.front().filename().string() + ", which is a split by its name"));
}

/// Notes a folder that is taken for a split by another name.
void note_name(const fs::path& folder, std::string_view split, Splits& splits) {
  if (!folder.empty() && folder.filename() != split)
    splits.notes.push_back(engine::say(folder.string() + ":", "is taken for the", split, "split"));
}

/// Notes classes of train that Hugging Face's datasets would take for splits besides.
void note_classes_called_as_splits(const fs::path& dir, Splits& splits) {
  for (const std::string& name : splits.classes) {
    if (is_whole_split_name(name))
      splits.notes.push_back(
          engine::say((dir / name).string() + ":", "is a class called", name + ", not a split"));
  }
}

/// The classes by the map in DIR or, where there is none, by the names of folders, in their order. Throws an
/// Error that names the folders which the map lacks.
void set_classes(const fs::path& dir, std::vector<std::string> names, const FolderOptions& options,
                 Splits& splits) {
  const std::optional<ClassMap> map = read_class_map(dir);
  if (!map) {
    splits.classes = std::move(names);
    sort_classes(splits.classes, options.class_order);
    return;
  }
  const auto is_mapped = [&](const std::string& name) {
    return std::ranges::find(map->names, name) != map->names.end();
  };
  std::vector<std::string> lacking, empty;
  for (const std::string& name : names)
    if (!is_mapped(name)) lacking.push_back(name);
  for (const std::string& name : map->names)
    if (std::ranges::find(names, name) == names.end()) empty.push_back(name);
  check(lacking.empty(), map->file.string() + ":", "lacks",
        engine::join(lacking, ", ") + ", which are folders of images");
  if (!empty.empty())
    splits.notes.push_back(engine::say(map->file.string() + ":", "has", empty.size(),
                                       empty.size() == 1 ? "class" : "classes",
                                       "without a folder to learn from, such as", empty[0]));
  splits.classes = map->names;
  splits.class_order = "the order of " + map->file.string();
}

/// The images of a split that was read, their labels being counted in the classes of all.
std::shared_ptr<const Dataset> take(const fs::path& dir, Split split, Splits& splits) {
  splits.ignored += split.ignored;
  std::ranges::move(split.notes, std::back_inserter(splits.notes));
  const std::vector<Index> label = find_classes(dir.string(), split.names, splits.classes);
  for (ImageFiles::Entry& image : split.images) image.label = label[static_cast<std::size_t>(image.label)];
  std::ranges::stable_sort(split.images, {}, &ImageFiles::Entry::label);  // sorted by path within each
  return std::make_shared<ImageFiles>(std::move(split.images));
}

/// "; ..." when the only class of a folder holds what looks like the classes.
std::string hint_of_depth(const fs::path& dir, const Split& split) {
  if (split.names.size() != 1) return {};
  const fs::path inner = dir / split.names[0];
  const std::vector<Item> items = items_in(inner);
  if (std::ranges::none_of(items, [](const Item& item) { return item.folder; })) return {};
  return "; " + inner.string() + " holds folders: are they what was meant?";
}

/// Throws an Error where a class folder of an uncut data set holds the folders of splits.
void refuse_splits_below(const fs::path& dir) {
  for (const Item& item : items_in(dir)) {
    if (!item.folder) continue;
    const std::vector<Item> all = items_in(dir), below = items_in(item.path);
    check(std::ranges::count(all, true, &Item::folder) > 1 || !has_split_folder_by_any_name(item.path),
          dir.string() + ":", "its splits lie one folder deeper: give", item.path.string());
    if (std::ranges::none_of(below, [](const Item& inner) {
          return inner.folder && is_whole_split_name(inner.path.filename().string());
        }))
      continue;
    throw Error(engine::say(item.path.string() + ":",
                            "is a class folder that holds splits; images lie in <split>/<class>/<file>"));
  }
}

}  // namespace

bool is_class_folders(const fs::path& dir) {
  const std::vector<Item> items = items_in(dir);
  return !has_split_folder_by_any_name(dir) &&
         std::ranges::any_of(items, [](const Item& item) { return item.folder; });
}

Splits open_class_folders(const fs::path& dir, const FolderOptions& options) {
  Split split = read_split(dir, options);
  Splits splits;
  splits.classes = split.names;
  sort_classes(splits.classes, options.class_order);
  splits.train = take(dir, std::move(split), splits);
  note_case(dir, splits);
  return splits;
}

Splits open_whole_class_folders(const fs::path& dir, const FolderOptions& options) {
  refuse_contested_splits(dir);
  std::vector<std::string> called_as_splits, others;
  for (const Item& item : items_in(dir))
    if (item.folder)
      (split_named(item.path.filename().string()).empty() ? others : called_as_splits)
          .push_back(item.path.string());
  check(!others.empty(), engine::join(called_as_splits, ", ") + ":",
        "images without classes; they lie in <split>/<class>/<file>, or are listed in <split>/metadata.csv");
  refuse_splits_below(dir);
  Split split = read_split(dir, options);
  Splits splits;
  splits.whole = true;
  set_classes(dir, split.names, options, splits);
  const std::string deeper = hint_of_depth(dir, split);
  check(deeper.empty() || splits.classes.size() > 1, dir.string() + ":",
        "only one class (" + split.names[0] + ");", "at least two are needed" + deeper);
  check_classes(dir.string(), splits.classes);
  splits.train = take(dir, std::move(split), splits);
  note_case(dir, splits);
  note_classes_called_as_splits(dir, splits);
  return splits;
}

Splits open_image_folder(const fs::path& dir, const FolderOptions& options) {
  refuse_contested_splits(dir);
  const fs::path train = split_folder(dir, "train");
  check(!train.empty(), "no train split:", (dir / "train").string(), "does not exist");
  const fs::path val = split_folder(dir, "val"), test = split_folder(dir, "test");
  const bool val_counts = options.val_counts && !val.empty();
  Split of_train = read_split(train, options), of_val;
  Splits splits;
  std::vector<std::string> names = of_train.names;
  if (val_counts) {
    of_val = read_split(val, options);
    names = united_classes(val.string(), of_val.names, names);
  }
  set_classes(dir, std::move(names), options, splits);
  note_case(val_counts ? dir : train, splits);
  const std::string deeper = hint_of_depth(train, of_train);
  check(deeper.empty() || splits.classes.size() > 1, train.string() + ":",
        "only one class (" + of_train.names[0] + ");", "at least two are needed" + deeper);
  check_classes(train.string(), splits.classes);
  splits.train = take(train, std::move(of_train), splits);
  note_classes_called_as_splits(train, splits);
  note_name(train, "train", splits);
  note_name(val, "val", splits);
  if (!val.empty()) {
    if (!val_counts) of_val = read_split(val, options);
    splits.val = take(val, std::move(of_val), splits);
  }
  note_name(test, "test", splits);
  if (!test.empty()) splits.test = take(test, read_split(test, options), splits);
  note_passed_over(dir, {train, val, test}, splits);
  if (has_metadata(dir))
    splits.notes.push_back(dir.string() + ": its metadata file is not read beside folders of splits");
  return splits;
}

}  // namespace data
