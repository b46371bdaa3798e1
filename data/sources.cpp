#include "data/sources.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "data/folder_items.h"
#include "data/idx.h"
#include "data/image_files.h"
#include "data/metadata.h"
#include "data/parquet_folder.h"
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

/// A list as all there is, with paths relative to its folder.
Splits open_list(const fs::path& file, const FolderOptions& options) {
  return open_split_files({.train = file,
                           .root = file.parent_path(),
                           .val_counts = options.val_counts,
                           .whole = true,
                           .group = options.group,
                           .order = options.class_order});
}

std::optional<Splits> open_folder_alone(const fs::path& dir, std::string_view split,
                                        const FolderOptions& options) {
  if (!split_folder(dir, "train").empty()) return std::nullopt;
  const fs::path folder = split_folder(dir, split);
  if (folder.empty()) return std::nullopt;
  return open_class_folders(folder, options);
}

constexpr Source::Place kFile = Source::Place::file, kFolder = Source::Place::folder;
constexpr std::array<Source, 9> kSources = {{
    {"list", "", kFile, Table::is_table, open_list, nullptr},
    {"Parquet file", "", kFile, is_parquet_file, open_parquet_file, open_parquet_split},
    {"metadata", "metadata.csv or .jsonl beside images", kFolder, is_metadata_folder, open_metadata_folder,
     open_folder_alone, true},
    {"folders", "train/<class>/<image>", kFolder, has_split_folder, open_image_folder, open_folder_alone},
    {"VTAB lists", "train800.txt", kFolder, is_vtab, open_vtab, nullptr},
    {"IDX", "train-images-idx3-ubyte[.gz]", kFolder, is_idx, open_idx_files, nullptr},
    {"Parquet", "[data/]train-*.parquet", kFolder, is_parquet_folder, open_parquet_folder,
     open_parquet_split},
    {"folders by other names", "", kFolder, has_split_folder_by_any_name, open_image_folder,
     open_folder_alone},
    {"class folders", "<class>/<image>", kFolder, is_class_folders, open_whole_class_folders, nullptr, true},
}};

/// Throws an Error that says what to do with an archive, or what a file with data is called.
[[noreturn]] void refuse_file(const fs::path& file) {
  const std::string name = in_lower_case(file.filename().string());
  std::string unpacks;
  for (const auto& [end, command] : kArchives)
    if (unpacks.empty() && name.ends_with(end)) unpacks = command;
  check(unpacks.empty(), file.string() + ":", "is an archive; unpack it with: mkdir data &&",
        unpacks + ' ' + file.string(),
        std::string(unpacks == "unzip" ? "-d" : "-C") + " data, and give --data data");
  throw Error(
      file.string() +
      ": is not a folder with data; a list of images is called .csv, .tsv or .jsonl, images in Parquet "
      ".parquet");
}

/// Throws an Error that names what would be data.
[[noreturn]] void refuse_folder(const fs::path& dir) {
  check(!holds_unlabelled_images(dir), dir.string() + ":",
        "holds images without labels; they lie in <class>/<image>, or a metadata.csv lists them with",
        "their labels; `espalier predict` and `espalier eval` need none");
  std::vector<std::string> wants;
  for (const Source& source : kSources)
    if (!source.wants.empty()) wants.emplace_back(source.wants);
  throw Error("no train split: " + (dir / "train").string() + " does not exist; a data folder holds " +
              engine::join(wants, " or "));
}

}  // namespace

std::span<const Source> sources() {
  return kSources;
}

const Source* find_source(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return nullptr;
  const Source::Place place = is_folder(path) ? kFolder : kFile;
  const auto* const found = std::ranges::find_if(
      kSources, [&](const Source& source) { return source.place == place && source.detects(path); });
  return found == kSources.end() ? nullptr : found;
}

bool holds_unlabelled_images(const fs::path& path) {
  if (!is_folder(path) || find_source(path) != nullptr) return false;
  return std::ranges::any_of(items_in(path),
                             [](const Item& item) { return !item.folder && is_image_name(item.path); });
}

Splits open_unlabelled(const fs::path& dir) {
  ImagesBelow below = images_below(dir);
  std::vector<ImageFiles::Entry> entries;
  for (const fs::path& image : below.images) entries.push_back({image.string(), 0});
  Splits splits;
  splits.classes = {"unlabelled"};
  splits.train = std::make_shared<ImageFiles>(std::move(entries));
  splits.ignored = below.ignored;
  return splits;
}

Splits open_data(const fs::path& path, const FolderOptions& options) {
  if (const Source* const source = find_source(path)) return source->open(path, options);
  if (is_folder(path)) refuse_folder(path);
  std::error_code error;
  check(fs::is_regular_file(path, error), path.string() + ":",
        "is not a folder with data, nor a file with a list or with images in Parquet");
  refuse_file(path);
}

std::optional<Splits> open_split_alone(const fs::path& path, std::string_view split,
                                       const FolderOptions& options) {
  const Source* const source = find_source(path);
  return source && source->open_alone ? source->open_alone(path, split, options) : std::nullopt;
}

}  // namespace data
