#include "data/sources.h"

#include <array>
#include <string>
#include <vector>

#include "data/idx.h"
#include "data/parquet_folder.h"
#include "data/split_file.h"
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

Splits open_idx_files(const fs::path& dir, const FolderOptions& options) {
  return open_idx(dir, options.val_counts);
}

std::optional<Splits> open_folder_alone(const fs::path& dir, std::string_view split,
                                        const FolderOptions& options) {
  if (!split_folder(dir, "train").empty()) return std::nullopt;
  const fs::path folder = split_folder(dir, split);
  if (folder.empty()) return std::nullopt;
  return open_class_folders(folder, options);
}

constexpr std::array<Source, 6> kSources = {{
    {"Parquet file", "", is_parquet_file, open_parquet_file, open_parquet_split},
    {"folders", "train/<class>/<image>", is_image_folder, open_image_folder, open_folder_alone},
    {"VTAB lists", "train800.txt", is_vtab, open_vtab, nullptr},
    {"IDX", "train-images-idx3-ubyte[.gz]", is_idx, open_idx_files, nullptr},
    {"Parquet", "[data/]train-*.parquet", is_parquet_folder, open_parquet_folder, open_parquet_split},
    {"folders by other names", "", is_image_folder_by_other_names, open_image_folder, open_folder_alone},
}};

/// True of a folder, and of a file that may be data by its name.
bool holds_data(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) || is_parquet_file(path);
}

}  // namespace

std::span<const Source> sources() {
  return kSources;
}

Splits open_data(const fs::path& dir, const FolderOptions& options) {
  check(holds_data(dir), dir.string() + ":", "is not a folder with data, nor a file *.parquet");
  std::vector<std::string> wants;
  for (const Source& source : kSources) {
    if (source.detects(dir)) return source.open(dir, options);
    if (!source.wants.empty()) wants.emplace_back(source.wants);
  }
  throw Error("no train split: " + (dir / "train").string() + " does not exist; a data folder holds " +
              engine::join(wants, " or "));
}

std::optional<Splits> open_split_alone(const fs::path& dir, std::string_view split,
                                       const FolderOptions& options) {
  if (!holds_data(dir)) return std::nullopt;
  for (const Source& source : kSources) {
    if (source.detects(dir))
      return source.open_alone != nullptr ? source.open_alone(dir, split, options) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace data
