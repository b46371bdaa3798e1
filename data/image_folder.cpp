#include "data/image_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "data/picture_files.h"
#include "engine/base/text.h"

namespace data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> kExtensions = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm"};

bool is_hidden(const fs::path& path) {
  return path.filename().native().starts_with('.');
}

bool is_picture_name(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& letter : extension)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

/// What is in a folder without the hidden things, sorted by name.
std::vector<fs::path> list(const fs::path& dir) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error))
    if (!is_hidden(it->path())) paths.push_back(it->path());
  check(!error, dir.string() + ":", "cannot be listed:", error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

/// Collects the pictures below a folder, going into no folder twice: links may lead in circles.
class Walk {
 public:
  std::vector<fs::path> pictures;
  Index ignored = 0;

  void into(const fs::path& dir) {
    struct stat status {};
    if (::stat(dir.c_str(), &status) != 0 || !visited_.emplace(status.st_dev, status.st_ino).second) return;
    for (const fs::path& path : list(dir)) {
      if (is_folder(path))
        into(path);
      else if (is_picture_name(path) && is_file(path))
        pictures.push_back(path);
      else
        ++ignored;
    }
  }

 private:
  std::set<std::pair<dev_t, ino_t>> visited_;
};

/// One split: its class folders' names and the pictures, with labels that count in `names`.
struct Split {
  std::vector<std::string> names;
  std::vector<PictureFiles::Entry> pictures;
  Index ignored = 0;
};

Split read_split(const fs::path& dir) {
  Split split;
  std::vector<std::string> empty;
  for (const fs::path& path : list(dir)) {
    if (!is_folder(path)) {
      ++split.ignored;
      continue;
    }
    Walk walk;
    walk.into(path);
    std::sort(walk.pictures.begin(), walk.pictures.end());
    if (walk.pictures.empty()) empty.push_back(path.string());
    for (const fs::path& picture : walk.pictures)
      split.pictures.push_back({picture.string(), static_cast<Index>(split.names.size())});
    split.names.push_back(path.filename().string());
    split.ignored += walk.ignored;
  }
  check(empty.empty(), engine::join(empty, ", ") + ":",
        "no pictures in this class (.jpg, .jpeg, .png, .bmp, .ppm or .pgm)");
  check(!split.names.empty(), dir.string() + ":",
        "holds no class folders; pictures lie in <split>/<class>/<file>");
  return split;
}

std::shared_ptr<const Dataset> open_split(const fs::path& dir, Splits& splits) {
  if (!is_folder(dir)) return nullptr;
  Split split = read_split(dir);
  splits.ignored += split.ignored;
  const std::vector<Index> label = find_classes(dir.string(), split.names, splits.classes);
  for (PictureFiles::Entry& picture : split.pictures)
    picture.label = label[static_cast<std::size_t>(picture.label)];
  return std::make_shared<PictureFiles>(std::move(split.pictures));
}

}  // namespace

bool is_image_folder(const fs::path& dir) {
  for (const char* split : {"train", "val", "validation", "test"})
    if (is_folder(dir / split)) return true;
  return false;
}

Splits open_class_folders(const fs::path& dir) {
  Split split = read_split(dir);
  Splits splits;
  splits.classes = std::move(split.names);
  splits.ignored = split.ignored;
  splits.train = std::make_shared<PictureFiles>(std::move(split.pictures));
  return splits;
}

Splits open_image_folder(const fs::path& dir) {
  const fs::path train = dir / "train";
  check(is_folder(train), "no train split:", train.string(), "does not exist");
  Splits splits = open_class_folders(train);
  check_classes(train.string(), splits.classes);
  splits.val = open_split(dir / (is_folder(dir / "val") ? "val" : "validation"), splits);
  splits.test = open_split(dir / "test", splits);
  return splits;
}

}  // namespace data
