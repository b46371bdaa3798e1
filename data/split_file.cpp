#include "data/split_file.h"

#include <algorithm>

#include "data/file.h"
#include "data/picture_files.h"
#include "engine/base/text.h"

namespace data {
namespace {

namespace fs = std::filesystem;

constexpr Index kMaxClasses = 1'000'000;

struct Line {
  Index number;  // in the file, from 1
  PictureFiles::Entry picture;
};

std::string where(const fs::path& list, Index line) {
  return list.string() + ":" + std::to_string(line) + ":";
}

Line parse_line(const fs::path& list, Index number, const std::string& text, const fs::path& root) {
  const std::string here = where(list, number);
  const std::size_t space = text.find_last_of(" \t");
  check(space != std::string::npos && space > 0, here, "'" + text + "' is not a path, a space and a label");
  const Index label = engine::parse_integer(text.substr(space + 1), here + " label");
  check(label >= 0 && label < kMaxClasses, here, "labels lie in 0 to", kMaxClasses - 1, "and not", label);
  const std::size_t end = text.find_last_not_of(" \t", space);
  check(end != std::string::npos, here, "no path before the label");
  return {number, {(root / text.substr(0, end + 1)).string(), label}};
}

std::vector<Line> read_list(const fs::path& list, const fs::path& root) {
  std::vector<Line> lines;
  Index number = 0;
  for (std::string& text : read_lines(list)) {
    ++number;
    text.erase(text.find_last_not_of(" \t") + 1);
    if (!text.empty()) lines.push_back(parse_line(list, number, text, root));
  }
  check(!lines.empty(), list.string() + ":",
        "no pictures in this list; a line is a path, a space and a label");
  return lines;
}

std::shared_ptr<const Dataset> make_split(const fs::path& list, const std::vector<Line>& lines,
                                          Index classes) {
  std::vector<PictureFiles::Entry> pictures;
  for (const Line& line : lines) {
    check(line.picture.label < classes, where(list, line.number), "label", line.picture.label,
          "is a class that train lacks: its labels are 0 to",
          std::to_string(classes - 1) + "; a classes.txt beside the pictures can name more");
    pictures.push_back(line.picture);
  }
  return std::make_shared<PictureFiles>(std::move(pictures));
}

}  // namespace

std::vector<std::string> read_class_names(const fs::path& dir) {
  const fs::path path = dir / "classes.txt";
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  std::vector<std::string> names = read_lines(path);
  while (!names.empty() && names.back().empty()) names.pop_back();
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  check(twice == sorted.end(), path.string() + ":", "class '" + (twice == sorted.end() ? "" : *twice) + "'",
        "is there twice");
  check_classes(path.string(), names);
  return names;
}

std::vector<std::string> numbered_classes(Index count) {
  std::vector<std::string> names;
  for (Index i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

Splits open_split_files(const SplitFiles& files) {
  check(!files.train.empty(), "no train split: a list for train is needed");
  const std::vector<Line> train = read_list(files.train, files.root);
  Splits splits;
  splits.classes = read_class_names(files.root);
  if (splits.classes.empty()) {
    Index largest = 0;
    for (const Line& line : train) largest = std::max(largest, line.picture.label);
    splits.classes = numbered_classes(largest + 1);
    check_classes(files.train.string(), splits.classes);
  }
  const Index classes = static_cast<Index>(splits.classes.size());
  auto open = [&](const fs::path& list) -> std::shared_ptr<const Dataset> {
    return list.empty() ? nullptr : make_split(list, read_list(list, files.root), classes);
  };
  splits.train = make_split(files.train, train, classes);
  splits.val = open(files.val);
  splits.test = open(files.test);
  return splits;
}

}  // namespace data
