#include "data/split_file.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "data/list_file.h"
#include "engine/base/text.h"
#include "engine/io/in_quotes.h"

namespace data {
namespace {

namespace fs = std::filesystem;
using engine::in_quotes;

constexpr Index kMaxClasses = 100'000;  // several times as many as any data set has
constexpr std::size_t kMaxDigits = 9;   // of a label, which may begin with zeros

/// A list, where it is and what it holds; nothing in it where there is none.
struct List {
  fs::path path;
  ListedImages read;
  bool there() const { return !read.images.empty(); }
};

/// The number that a label is, or more than any class has.
Index number_of(std::string_view label) {
  return label.size() <= kMaxDigits ? engine::parse_integer(label, "label") : kMaxClasses;
}

/// Labels in place of which classes are put: numbers below `end`, or names; and what is wrong with others.
class Classes {
 public:
  /// Numbers.
  Classes(Index end, std::string otherwise) : end_(end), otherwise_(std::move(otherwise)) {}
  /// Names.
  Classes(const std::vector<std::string>& names, std::string otherwise)
      : names_(&names), otherwise_(std::move(otherwise)) {
    for (std::size_t i = 0; i < names.size(); ++i) places_.emplace(names[i], static_cast<Index>(i));
  }

  bool has(const std::string& label) const { return places_.contains(label); }

  /// Puts the classes into a list. Throws an Error that names the line of a label that is none.
  void put_into(ListedImages& list) const {
    std::vector<Index> of_label;
    for (std::size_t i = 0; i < list.labels.size(); ++i)
      of_label.push_back(find(list.labels[i], list.where[i]));
    for (ImageFiles::Entry& image : list.images)
      image.label = of_label[static_cast<std::size_t>(image.label)];
  }

 private:
  Index find(const std::string& label, const std::string& where) const {
    if (names_) {
      const auto at = places_.find(label);
      if (at != places_.end()) return at->second;
      const std::string alike = hint_of_spelling(std::span(&label, 1), *names_, "the class");
      throw Error(engine::say(where, "label", in_quotes(label), otherwise_) +
                  (alike.empty() ? engine::did_you_mean(label, *names_) : alike));
    }
    check(is_whole_number(label), where, "label", in_quotes(label),
          "is not a whole number of 0 or more, as the others are");
    const Index number = number_of(label);
    check(number < end_, where, "label", in_quotes(label), otherwise_);
    return number;
  }

  const std::vector<std::string>* names_ = nullptr;
  std::unordered_map<std::string_view, Index> places_;
  Index end_ = 0;
  std::string otherwise_;
};

/// Notes when no line of what is trained on has some of the classes: of a list whose numbers count from 1, or
/// have gaps. A list that is `judged` may have gaps.
void note_gaps(const fs::path& list, const ListedImages& train, const ListedImages& val, bool judged,
               bool by_name, Splits& splits) {
  std::vector<bool> there(splits.classes.size());
  for (const ListedImages* images : {&train, &val})
    for (const ImageFiles::Entry& image : images->images) there[static_cast<std::size_t>(image.label)] = true;
  const auto lacking = std::ranges::count(there, false);
  if (lacking == 0) return;
  const auto first = static_cast<std::size_t>(std::ranges::find(there, false) - there.begin());
  const bool from_one = !by_name && !there[0] && lacking == 1;
  if (judged && !from_one) return;
  splits.notes.push_back(engine::say(list.string() + ":", lacking, "of", there.size(),
                                     lacking == 1 ? "classes has" : "classes have",
                                     judged ? "no image, such as" : "no image to learn from, such as",
                                     by_name ? in_quotes(splits.classes[first])
                                             : "label " + std::to_string(first) + "; labels count from 0") +
                         (from_one ? ", and these seem to count from 1" : ""));
}

/// Deals the images of one list out to the splits that its column has.
void deal_out(List& train, List& val, List& test) {
  const ListedImages all = std::exchange(train.read, {});
  const std::pair<const char*, List*> parts[] = {{"train", &train}, {"val", &val}, {"test", &test}};
  for (const auto& [name, list] : parts) {
    list->path = train.path;
    list->read.labels = all.labels, list->read.where = all.where;
    for (std::size_t i = 0; i < all.images.size(); ++i)
      if (all.splits[i] == name) list->read.images.push_back(all.images[i]);
  }
  check(train.there(), train.path.string() + ":", "no image is in the split train");
  // A label of test alone is none that is trained on.
  for (const auto& [name, list] : parts) {
    std::vector<Index> place(all.labels.size(), -1);
    ListedImages used;
    for (ImageFiles::Entry& image : list->read.images) {
      Index& at = place[static_cast<std::size_t>(image.label)];
      if (at < 0) {
        at = static_cast<Index>(used.labels.size());
        used.labels.push_back(all.labels[static_cast<std::size_t>(image.label)]);
        used.where.push_back(all.where[static_cast<std::size_t>(image.label)]);
      }
      image.label = at;
    }
    used.images = std::move(list->read.images);
    used.numbered = std::ranges::all_of(used.labels, is_whole_number);
    list->read = std::move(used);
  }
}

/// True when the labels of these lists count the classes of a map, and do not name them. Throws an Error when
/// they could do either, and that makes a difference.
bool count_in_map(const std::vector<const List*>& lists, const ClassMap& map, const Classes& names) {
  bool named = true, numbered = true, differ = false;
  for (const List* list : lists) {
    if (list->read.plain) return true;
    numbered = numbered && list->read.numbered;
    for (const std::string& label : list->read.labels) {
      named = named && names.has(label);
      if (!is_whole_number(label)) continue;
      const Index number = number_of(label);
      differ =
          differ || number >= std::ssize(map.names) || map.names[static_cast<std::size_t>(number)] != label;
    }
  }
  check(!(named && numbered && differ), lists[0]->path.string() + ":",
        "its labels may be names or places of the classes in",
        map.file.string() + ", which are numbers in another order; name the classes otherwise");
  return numbered && !named;
}

}  // namespace

std::vector<std::string> numbered_classes(Index count) {
  std::vector<std::string> names;
  for (Index i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

Splits open_split_files(const SplitFiles& files) {
  check(!files.train.empty(), "no train split: a list for train is needed");
  const auto read = [&](const fs::path& list, const std::string& group = {}) {
    return list.empty() ? List{}
                        : List{list, read_list(list, files.beside_lists ? list.parent_path() : files.root,
                                               {.group = group})};
  };
  List train = read(files.train, files.group), val = read(files.val), test = read(files.test);
  const bool dealt = !train.read.splits.empty();
  for (const List* list : {&train, &val, &test})
    check(list->read.splits.empty() || (list == &train && !val.there() && !test.there()),
          list->path.string() + ":",
          "has a column split, beside lists of splits; one of the two says which split an image is in");
  check(!files.judged || !dealt, files.train.string() + ":",
        "has a column split; as --train-list it is every split that the column names");
  Splits splits;
  splits.whole = files.whole && !dealt;
  splits.groups = std::move(train.read.groups);
  if (dealt) deal_out(train, val, test), splits.groups.clear();

  std::vector<const List*> learned{&train};
  if (files.val_counts && val.there()) learned.push_back(&val);
  const auto numbered = [](const List* list) { return list->read.numbered; };
  const std::optional<ClassMap> map = read_class_map(files.root);
  const std::string lacks = "is a class that train lacks";
  Index end = 0;
  bool by_name = false;
  std::string otherwise;  // of val and test
  if (map) {
    const Index count = std::ssize(map->names);
    const std::string file = map->file.filename().string();
    by_name = !count_in_map(learned, *map, Classes(map->names, ""));
    otherwise = by_name ? "is no class of " + map->file.string()
                        : engine::say("is no class; the", count, "lines of", file, "are 0 to", count - 1);
    splits.classes = map->names, splits.class_order = "the order of " + map->file.string(), end = count;
  } else if (std::ranges::all_of(learned, numbered)) {
    const Classes any(kMaxClasses, engine::say("is no class; labels lie in 0 to", kMaxClasses - 1));
    std::unordered_map<Index, std::string> spelling;
    for (const List* list : learned) {
      ListedImages labels = {
          .images = {}, .labels = list->read.labels, .where = list->read.where, .splits = {}, .groups = {}};
      any.put_into(labels);
      for (const std::string& label : labels.labels) {
        const Index number = number_of(label);
        end = std::max(end, number + 1);
        const std::string& before = spelling.emplace(number, label).first->second;
        if (before != label)
          splits.notes.push_back(engine::say(list->path.string() + ":", "the labels", in_quotes(before),
                                             "and", in_quotes(label), "are one class, the number", number));
      }
    }
    splits.classes = numbered_classes(end), splits.class_order = "that of their numbers";
    otherwise = engine::say(lacks + ": its labels are 0 to",
                            std::to_string(end - 1) + "; a classes.txt beside the images can name more");
  } else {
    by_name = true;
    std::set<std::string> names;
    for (const List* list : learned) names.insert(list->read.labels.begin(), list->read.labels.end());
    splits.classes.assign(names.begin(), names.end());
    const auto name = std::ranges::find_if_not(names, is_whole_number);
    if (std::ranges::any_of(names, is_whole_number))
      splits.notes.push_back(engine::say(files.train.string() + ":", "labels are taken as names, since",
                                         in_quotes(*name),
                                         "is not a whole number of 0 or more, as others are"));
    sort_classes(splits.classes, files.order);
    otherwise = lacks;
  }
  if (!files.judged) check_classes(files.train.string(), splits.classes);
  const Classes classes = by_name ? Classes(splits.classes, otherwise) : Classes(end, otherwise);
  for (List* list : {&train, &val, &test}) classes.put_into(list->read);
  if (map || !by_name)
    note_gaps(files.train, train.read, files.val_counts ? val.read : ListedImages{}, files.judged, by_name,
              splits);
  const std::pair<List*, std::shared_ptr<const Dataset>*> all[] = {
      {&train, &splits.train}, {&val, &splits.val}, {&test, &splits.test}};
  for (const auto& [list, split] : all) {
    if (!list->there()) continue;
    note_repeats(list->path, list->read.images, splits.notes);
    *split = std::make_shared<ImageFiles>(std::move(list->read.images));
  }
  return splits;
}

}  // namespace data
