#include "data/split_names.h"

#include <algorithm>
#include <array>

#include "data/folder_items.h"
#include "data/metadata.h"
#include "data/spelling.h"
#include "engine/base/text.h"

namespace data {
namespace {

namespace fs = std::filesystem;

/// What people call splits, in lower case, and what they are called here.
struct SplitName {
  std::string_view name, split;
};
constexpr std::array<SplitName, 10> kSplitNames = {{{"train", "train"},
                                                    {"training", "train"},
                                                    {"val", "val"},
                                                    {"valid", "val"},
                                                    {"validation", "val"},
                                                    {"dev", "val"},
                                                    {"test", "test"},
                                                    {"testing", "test"},
                                                    {"eval", "contested"},
                                                    {"evaluation", "contested"}}};

std::string_view split_of_word(std::string_view word) {
  const auto* const found = std::ranges::find(kSplitNames, word, &SplitName::name);
  return found == kSplitNames.end() ? std::string_view() : found->split;
}

/// True for a folder that holds a split, if its name says so.
bool may_be_split(const fs::path& dir) {
  bool images = false;
  for (const Item& item : items_in(dir)) {
    if (item.folder) return true;
    images = images || is_image_name(item.path);
  }
  return !images || has_metadata(dir);
}

std::vector<fs::path> folders_of(const fs::path& dir, std::string_view split) {
  std::vector<fs::path> whole, by_word;
  for (const Item& item : items_in(dir)) {
    if (!item.folder || split_named(item.path.filename().string()) != split || !may_be_split(item.path))
      continue;
    (is_whole_split_name(item.path.filename().string()) ? whole : by_word).push_back(item.path);
  }
  return whole.empty() ? by_word : whole;
}

constexpr std::array<std::string_view, 3> kSplits = {"train", "val", "test"};

}  // namespace

std::string_view split_named(std::string_view name) {
  constexpr std::string_view kBetween = "-._ 0123456789";
  const std::string lower = in_lower_case(std::string(name));
  std::string_view split;
  for (std::size_t at = 0; at < lower.size();) {
    const std::size_t end = std::min(lower.find_first_of(kBetween, at), lower.size());
    const std::string_view word = split_of_word(std::string_view(lower).substr(at, end - at));
    if (!word.empty() && !split.empty() && word != split) return {};  // train_test: either
    if (!word.empty()) split = word;
    at = end + 1;
  }
  return split;
}

bool is_whole_split_name(std::string_view name) {
  return !split_of_word(in_lower_case(std::string(name))).empty();
}

fs::path split_folder(const fs::path& dir, std::string_view split) {
  const std::vector<fs::path> found = folders_of(dir, split);
  std::vector<std::string> names;
  for (const fs::path& folder : found) names.push_back(folder.filename().string());
  check(found.size() <= 1, dir.string() + ":", "the folders", engine::join(names, " and "),
        "would each be the", split, "split by their names; one of them is right");
  return found.empty() ? fs::path() : found[0];
}

bool has_split_folder(const fs::path& dir) {
  return std::ranges::any_of(kSplits, [&](std::string_view split) {
    const fs::path folder = dir / split;
    return is_folder(folder) && may_be_split(folder);
  });
}

bool has_split_folder_by_any_name(const fs::path& dir) {
  return std::ranges::any_of(kSplits,
                             [&](std::string_view split) { return !folders_of(dir, split).empty(); });
}

void refuse_contested(const fs::path& path, std::string_view split) {
  check(
      split != "contested", path.string() + ":",
      "is the test split for Hugging Face's datasets and the validation split for timm; rename it test or val");
}

void refuse_contested_splits(const fs::path& dir) {
  for (const fs::path& folder : folders_of(dir, "contested")) refuse_contested(folder, "contested");
}

}  // namespace data
