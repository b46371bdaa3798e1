#include "data/folder_items.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "data/spelling.h"

namespace data {
namespace {

namespace fs = std::filesystem;
using namespace std::string_view_literals;

constexpr std::array kExtensions = {
    ".jpg"sv, ".jpeg"sv, ".png"sv, ".webp"sv, ".gif"sv, ".bmp"sv, ".ppm"sv, ".pgm"sv,
#ifdef ESPALIER_TIFF
    ".tif"sv, ".tiff"sv,
#endif
};

/// Collects the images below a folder. It goes into no folder twice, and into none that the folder lies in:
/// links may lead in circles.
class Walk {
 public:
  ImagesBelow found;

  explicit Walk(const fs::path& dir) {
    std::error_code error;
    // Where it lies and, when it is a link, where that leads to.
    for (fs::path up : {fs::canonical(dir.parent_path(), error), fs::canonical(dir, error).parent_path()})
      while (is_new(up)) up = up.parent_path();  // the root is its own parent
    into(dir);
    std::sort(found.images.begin(), found.images.end());
  }

 private:
  bool is_new(const fs::path& dir) {
    struct stat status {};
    return ::stat(dir.c_str(), &status) == 0 && visited_.emplace(status.st_dev, status.st_ino).second;
  }

  void into(const fs::path& dir) {
    if (!is_new(dir)) return;
    for (const Item& item : items_in(dir)) {
      if (item.folder)
        into(item.path);
      else if (is_image_name(item.path))
        found.images.push_back(item.path);
      else
        ++found.ignored;
    }
  }

  std::set<std::pair<dev_t, ino_t>> visited_;
};

}  // namespace

std::vector<Item> items_in(const fs::path& dir) {
  std::vector<Item> items;
  std::error_code error, unknown;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error))
    if (!it->path().filename().native().starts_with('.'))
      items.push_back({it->path(), it->is_directory(unknown)});
  check(!error, dir.string() + ":", "cannot be listed:", error.message());
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.path < b.path; });
  return items;
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::string image_extensions() {
  std::string all;
  for (std::size_t i = 0; i < kExtensions.size(); ++i)
    all += (i == 0 ? "" : i + 1 < kExtensions.size() ? ", " : " or ") + std::string(kExtensions[i]);
  return all;
}

bool is_image_name(const fs::path& path) {
  const std::string extension = in_lower_case(path.extension().string());
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

ImagesBelow images_below(const fs::path& dir) {
  return Walk(dir.has_filename() ? dir : dir.parent_path()).found;  // d/ is d
}

}  // namespace data
