#include "data/split_file.h"

#include <algorithm>
#include <numeric>

#include "data/image_files.h"
#include "data/lines.h"
#include "engine/base/text.h"
#include "engine/io/in_quotes.h"

namespace data {
namespace {

namespace fs = std::filesystem;
using engine::in_quotes;
using Images = std::vector<ImageFiles::Entry>;

constexpr Index kMaxClasses = 100'000;  // several times as many as any data set has
constexpr std::size_t kMaxDigits = 9;   // of a label, which may begin with zeros

/// Labels that a list may have: those below `end`, and what is wrong with others.
struct Labels {
  Index end;
  std::string otherwise;
};

/// The image of a line; `refuse` throws an Error for the line.
template <class Refuse>
ImageFiles::Entry parse_line(std::string_view text, const fs::path& root, const Labels& labels,
                             Refuse&& refuse) {
  constexpr auto npos = std::string_view::npos;
  const std::size_t space = text.find_last_of(" \t");
  if (space == npos) refuse(in_quotes(text), "is not a path, a space and a label");
  const std::size_t end = text.find_last_not_of(" \t", space);
  if (end == npos) refuse("no path before the label");
  const std::string_view digits = text.substr(space + 1);
  if (digits.find_first_not_of("0123456789") != npos)
    refuse("label", in_quotes(digits), "is not a whole number of 0 or more");
  const Index label = digits.size() <= kMaxDigits ? engine::parse_integer(digits, "label") : kMaxClasses;
  if (label >= labels.end) refuse("label", in_quotes(digits), labels.otherwise);
  return {(root / text.substr(0, end + 1)).string(), label};
}

Images read_list(const fs::path& list, const fs::path& root, const Labels& labels) {
  Images images;
  Lines lines(list);
  auto refuse = [&](const auto&... parts) { throw Error(engine::say(lines.where(), parts...)); };
  while (const auto line = lines.next()) {
    const std::string_view text = line->substr(0, line->find_last_not_of(" \t") + 1);
    if (!text.empty()) images.push_back(parse_line(text, root, labels, refuse));
  }
  check(!images.empty(), list.string() + ":",
        "no images in this list; a line is a path, a space and a label");
  return images;
}

/// Notes when a list names images more than once: most often a slip, but it may be meant as a weight.
void note_repeats(const fs::path& list, const Images& images, Splits& splits) {
  std::vector<std::uint32_t> order(images.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return images[a].path < images[b].path; });
  Index repeats = 0, contradictions = 0;
  const std::string *repeated = nullptr, *contradictory = nullptr;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const ImageFiles::Entry &before = images[order[i - 1]], &image = images[order[i]];
    if (image.path != before.path) continue;
    ++repeats;
    if (!repeated) repeated = &image.path;
    if (image.label == before.label) continue;
    ++contradictions;
    if (!contradictory) contradictory = &image.path;
  }
  const std::string who = list.string() + ":";
  if (repeats > 0)
    splits.notes.push_back(engine::say(who, repeats, repeats == 1 ? "line repeats" : "lines repeat",
                                       "an image of another line, such as", *repeated + "; all count"));
  if (contradictions > 0)
    splits.notes.push_back(engine::say(who, contradictions, "of them with another label, such as",
                                       *contradictory + "; is that meant?"));
}

/// Notes when no line of what is trained on has some of the labels: those of a list that counts from 1, or
/// has gaps. A list that is `judged` may have gaps.
void note_gaps(const fs::path& list, const Images& train, const Images& val, bool judged, Splits& splits) {
  std::vector<bool> there(splits.classes.size());
  for (const Images* images : {&train, &val})
    for (const ImageFiles::Entry& image : *images) there[static_cast<std::size_t>(image.label)] = true;
  const auto lacking = std::ranges::count(there, false);
  if (lacking == 0) return;
  const bool from_one = !there[0] && lacking == 1;
  if (judged && !from_one) return;
  splits.notes.push_back(engine::say(
      list.string() + ":", lacking, "of", there.size(), lacking == 1 ? "classes has" : "classes have",
      judged ? "no image, such as label" : "no image to learn from, such as label",
      std::to_string(std::ranges::find(there, false) - there.begin()) +
          (from_one ? "; labels count from 0, and these seem to count from 1" : "; labels count from 0")));
}

}  // namespace

std::vector<std::string> read_class_names(const fs::path& dir) {
  const fs::path path = dir / "classes.txt";
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  std::vector<std::string> names;
  Lines lines(path);
  std::string empty;  // where the first empty line is
  while (const auto line = lines.next()) {
    if (line->empty() && empty.empty()) empty = lines.where();
    if (line->empty()) continue;
    check(empty.empty(), empty, "is empty; a line is the name of a class");
    names.emplace_back(*line);
    check(static_cast<Index>(names.size()) <= kMaxClasses, path.string() + ":", "has more than", kMaxClasses,
          "classes");
  }
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  check(twice == sorted.end(), path.string() + ":", "class", in_quotes(twice == sorted.end() ? "" : *twice),
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
  Splits splits;
  splits.classes = read_class_names(files.root);
  const bool named = !splits.classes.empty();
  const Index count = static_cast<Index>(splits.classes.size());
  const Labels any{kMaxClasses, engine::say("is no class; labels lie in 0 to", kMaxClasses - 1)};
  const Labels known{count,
                     engine::say("is no class; the", count, "lines of classes.txt are 0 to", count - 1)};

  auto take = [&](const fs::path& list, Images images) {
    note_repeats(list, images, splits);
    return std::make_shared<ImageFiles>(std::move(images));
  };
  Images train = read_list(files.train, files.root, named ? known : any), val;
  const bool val_counts = files.val_counts && !files.val.empty();
  if (val_counts) val = read_list(files.val, files.root, named ? known : any);
  Labels others = known;
  if (!named) {
    Index largest = 0;
    for (const Images* images : {&train, &val})
      for (const ImageFiles::Entry& image : *images) largest = std::max(largest, image.label);
    splits.classes = numbered_classes(largest + 1);
    if (!files.judged) check_classes(files.train.string(), splits.classes);
    others = {largest + 1,
              engine::say("is a class that train lacks: its labels are 0 to",
                          std::to_string(largest) + "; a classes.txt beside the images can name more")};
  }
  note_gaps(files.train, train, val, files.judged, splits);
  splits.train = take(files.train, std::move(train));
  if (!val_counts && !files.val.empty()) val = read_list(files.val, files.root, others);
  if (!files.val.empty()) splits.val = take(files.val, std::move(val));
  if (!files.test.empty()) splits.test = take(files.test, read_list(files.test, files.root, others));
  return splits;
}

}  // namespace data
