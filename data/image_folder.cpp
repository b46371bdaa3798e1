#include "data/image_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "data/image_files.h"
#include "data/split_names.h"
#include "engine/base/text.h"

namespace data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> kExtensions = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm"};

bool is_image_name(const fs::path& path) {
  const std::string extension = in_lower_case(path.extension().string());
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

struct Item {
  fs::path path;
  bool folder;  // or a link to one
};

/// What is in a folder without the hidden things, sorted by name.
std::vector<Item> list(const fs::path& dir) {
  std::vector<Item> items;
  std::error_code error, unknown;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error))
    if (!it->path().filename().native().starts_with('.'))
      items.push_back({it->path(), it->is_directory(unknown)});
  check(!error, dir.string() + ":", "cannot be listed:", error.message());
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.path < b.path; });
  return items;
}

/// Collects the images below a class folder. It goes into no folder twice, and into none that the class
/// lies in: links may lead in circles.
class Walk {
 public:
  std::vector<fs::path> images;
  Index ignored = 0;

  explicit Walk(const fs::path& dir) {
    std::error_code error;
    // Where it lies and, when it is a link, where that leads to.
    for (fs::path up : {fs::canonical(dir.parent_path(), error), fs::canonical(dir, error).parent_path()})
      while (is_new(up)) up = up.parent_path();  // the root is its own parent
    into(dir);
    std::sort(images.begin(), images.end());
  }

 private:
  bool is_new(const fs::path& dir) {
    struct stat status {};
    return ::stat(dir.c_str(), &status) == 0 && visited_.emplace(status.st_dev, status.st_ino).second;
  }

  void into(const fs::path& dir) {
    if (!is_new(dir)) return;
    for (const Item& item : list(dir)) {
      if (item.folder)
        into(item.path);
      else if (is_image_name(item.path))
        images.push_back(item.path);
      else
        ++ignored;
    }
  }

  std::set<std::pair<dev_t, ino_t>> visited_;
};

/// One split: its class folders' names and the images, with labels that count in `names`.
struct Split {
  std::vector<std::string> names;
  std::vector<ImageFiles::Entry> images;
  Index ignored = 0;
};

Split read_split(const fs::path& dir, const FolderOptions& options) {
  Split split;
  std::vector<std::string> empty;
  for (const Item& item : list(dir)) {
    if (!item.folder) {
      ++split.ignored;
      continue;
    }
    Walk walk(item.path);
    if (walk.images.empty()) empty.push_back(item.path.string());
    for (const fs::path& image : walk.images)
      split.images.push_back({image.string(), static_cast<Index>(split.names.size())});
    split.names.push_back(item.path.filename().string());
    split.ignored += walk.ignored;
  }
  check(empty.empty() || options.allow_empty_class, engine::join(empty, ", ") + ":",
        "no images in this class (.jpg, .jpeg, .png, .bmp, .ppm or .pgm); --allow-empty-class takes it");
  check(!split.names.empty(), dir.string() + ":",
        "holds no class folders; images lie in <split>/<class>/<file>");
  check(!split.images.empty(), dir.string() + ":", "no images in any class");
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

bool names_split(const fs::path& folder, std::string_view split) {
  return split_named(folder.filename().string()) == split;
}

/// Notes folders that hold the classes of train and are no split by their names: nobody wants a validation
/// that is there to be passed over in silence.
void note_passed_over(const fs::path& root, Splits& splits) {
  for (const Item& item : list(root)) {
    if (!item.folder || !split_named(item.path.filename().string()).empty()) continue;
    if (std::ranges::any_of(splits.classes, [&](const auto& name) { return is_folder(item.path / name); }))
      splits.notes.push_back(engine::say(item.path.string() + ":",
                                         "holds classes of train, but is no split by its name, so that it is",
                                         "passed over; val and test are such names"));
  }
}

/// Notes a folder that is taken for a split by another name.
void note_name(const fs::path& folder, std::string_view split, Splits& splits) {
  if (!folder.empty() && folder.filename() != split)
    splits.notes.push_back(engine::say(folder.string() + ":", "is taken for the", split, "split"));
}

/// The images of a split that was read, their labels being counted in the classes of all.
std::shared_ptr<const Dataset> take(const fs::path& dir, Split split, Splits& splits) {
  splits.ignored += split.ignored;
  const std::vector<Index> label = find_classes(dir.string(), split.names, splits.classes);
  for (ImageFiles::Entry& image : split.images) image.label = label[static_cast<std::size_t>(image.label)];
  return std::make_shared<ImageFiles>(std::move(split.images));
}

}  // namespace

fs::path split_folder(const fs::path& dir, std::string_view split) {
  std::vector<std::string> found;
  for (const Item& item : list(dir))
    if (item.folder && names_split(item.path, split)) found.push_back(item.path.filename().string());
  check(found.size() <= 1, dir.string() + ":", "the folders", engine::join(found, " and "),
        "would each be the", split, "split by their names; one of them is right");
  return found.empty() ? fs::path() : dir / found[0];
}

bool is_image_folder(const fs::path& dir) {
  return std::ranges::any_of(std::array{"train", "val", "test"},
                             [&](const char* split) { return is_folder(dir / split); });
}

bool is_image_folder_by_other_names(const fs::path& dir) {
  return std::ranges::any_of(std::array{"train", "val", "test"},
                             [&](const char* split) { return !split_folder(dir, split).empty(); });
}

Splits open_class_folders(const fs::path& dir, const FolderOptions& options) {
  Split split = read_split(dir, options);
  Splits splits;
  splits.classes = split.names;
  splits.train = take(dir, std::move(split), splits);
  note_case(dir, splits);
  return splits;
}

Splits open_image_folder(const fs::path& dir, const FolderOptions& options) {
  const fs::path train = split_folder(dir, "train");
  check(!train.empty(), "no train split:", (dir / "train").string(), "does not exist");
  const fs::path val = split_folder(dir, "val"), test = split_folder(dir, "test");
  const bool val_counts = options.val_counts && !val.empty();
  Split of_train = read_split(train, options), of_val;
  Splits splits;
  splits.classes = of_train.names;
  if (val_counts) {
    of_val = read_split(val, options);
    splits.classes = united_classes(val.string(), of_val.names, splits.classes);
  }
  note_case(val_counts ? dir : train, splits);
  check_classes(train.string(), splits.classes);
  splits.train = take(train, std::move(of_train), splits);
  note_name(train, "train", splits);
  note_name(val, "val", splits);
  if (!val.empty()) {
    if (!val_counts) of_val = read_split(val, options);
    splits.val = take(val, std::move(of_val), splits);
  }
  note_name(test, "test", splits);
  if (!test.empty()) splits.test = take(test, read_split(test, options), splits);
  note_passed_over(dir, splits);
  return splits;
}

}  // namespace data
