#include "tools/training/data_cut.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "data/cut.h"
#include "data/list_file.h"
#include "data/table.h"
#include "engine/base/text.h"
#include "engine/io/sha256.h"
#include "tools/training/usage_error.h"

namespace training {

using data::CutImage;
using data::Part;

namespace {

/// Of a cut that nobody has asked for by a share.
constexpr double kUsualShare = 0.2;

data::CutShares shares_of(const data::Splits& splits, const DataSource& source) {
  const bool usual = splits.whole && source.val_split == 0 && source.test_split == 0;
  return {.val = usual ? kUsualShare : source.val_split,
          .test = usual ? kUsualShare : source.test_split,
          .seed = static_cast<std::uint64_t>(source.seed)};
}

/// What was given as the images, for messages.
const std::string& given_by(const DataSource& source) {
  return source.data.empty() ? source.train_list : source.data;
}

/// Refuses options that ask for what cannot be, or that nothing comes of.
void check_options(const data::Splits& splits, const DataSource& source) {
  const std::string& who = given_by(source);
  const auto refuse = [&](const std::string& option, const std::string& why) {
    throw UsageError(option + ": " + why);
  };
  if (source.class_order != "sorted" && !splits.class_order.empty())
    refuse("--class-order " + source.class_order, "the classes have " + splits.class_order);
  if (!splits.whole) {
    if (source.val_split > 0 && splits.val) refuse("--val-split", who + " has a val split already");
    if (source.test_split > 0 && splits.test) refuse("--test-split", who + " has a test split already");
    if (source.val_split == 0)
      check_uncut(source, who + " has a train split, which is cut only by --val-split");
  }
  if (!source.group.empty() && splits.groups.empty())
    refuse("--group " + source.group,
           who +
               " has no list with such a column (metadata.csv beside class folders, or a "
               "list of images)");
}

/// The split of each image as a file records it; nothing when it lists none of them.
std::optional<std::vector<Part>> read_cut(const std::string& file, std::span<const CutImage> images,
                                          const std::vector<std::string>& classes) {
  const data::ListedImages listed = data::read_list(file, "");
  engine::check(!listed.splits.empty(), file + ": has no column split");
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < listed.images.size(); ++i) places.emplace(listed.images[i].path, i);
  std::vector<Part> parts;
  std::string lacking;
  for (const CutImage& image : images) {
    const auto at = places.find(image.path);
    if (at == places.end()) {
      if (lacking.empty()) lacking = image.path;
      continue;
    }
    const std::string& label = listed.labels[static_cast<std::size_t>(listed.images[at->second].label)];
    const std::string& name = classes[static_cast<std::size_t>(image.label)];
    engine::check(label == name, file + ":", image.path, "has the label", label, "there and", name,
                  "in the data");
    const auto part =
        std::ranges::find(data::kPartNames, listed.splits[at->second]) - std::begin(data::kPartNames);
    parts.push_back(static_cast<Part>(part));
    places.erase(at);
  }
  if (parts.empty()) return std::nullopt;
  engine::check(lacking.empty(), file + ": lacks",
                lacking + ", which is in the data; the cut is of other images");
  engine::check(places.empty(), file + ": lists", places.empty() ? "" : places.begin()->first,
                "which is not in the data; the cut is of other images");
  return parts;
}

/// Images as a cut sees them, and their places, in the order of their class' name and path.
struct Cuttable {
  std::vector<CutImage> images;
  std::vector<Index> places;
};

Cuttable cuttable(const data::Splits& splits, const ImageContents& contents) {
  const data::Dataset& all = *splits.train;
  std::vector<CutImage> images;
  for (Index i = 0; i < all.size(); ++i)
    images.push_back({contents.relative(all.name(i)), all.label(i),
                      splits.groups.empty() ? "" : splits.groups[static_cast<std::size_t>(i)]});
  Cuttable sorted{{}, std::vector<Index>(images.size())};
  std::iota(sorted.places.begin(), sorted.places.end(), Index{0});
  const auto name = [&](const CutImage& image) -> const std::string& {
    return splits.classes[static_cast<std::size_t>(image.label)];
  };
  std::ranges::stable_sort(sorted.places, [&](Index a, Index b) {
    const CutImage &x = images[static_cast<std::size_t>(a)], &y = images[static_cast<std::size_t>(b)];
    return std::tie(name(x), x.path) < std::tie(name(y), y.path);
  });
  for (const Index i : sorted.places) sorted.images.push_back(std::move(images[static_cast<std::size_t>(i)]));
  return sorted;
}

std::string csv_of(const Cuttable& all, std::span<const Part> parts,
                   const std::vector<std::string>& classes) {
  std::string csv = "path,label,split\n";
  for (std::size_t i = 0; i < parts.size(); ++i)
    csv += data::csv_field(all.images[i].path) + ',' +
           data::csv_field(classes[static_cast<std::size_t>(all.images[i].label)]) + ',' +
           data::kPartNames[static_cast<std::size_t>(parts[i])] + '\n';
  return csv;
}

/// Notes classes that a split has no image of: too few to be cut.
void note_lacking(const std::string& name, const data::Dataset& split,
                  const std::vector<std::string>& classes, const Events& events) {
  std::vector<bool> there(classes.size());
  for (Index i = 0; i < split.size(); ++i) there[static_cast<std::size_t>(split.label(i))] = true;
  const auto lacking = std::ranges::count(there, false);
  const auto first = static_cast<std::size_t>(std::ranges::find(there, false) - there.begin());
  if (lacking > 0)
    events.on_note(engine::say("note:", lacking, lacking == 1 ? "class has" : "classes have", "no image in",
                               name + ", such as", classes[first]));
}

}  // namespace

std::string DataCut::sha256() const {
  engine::Sha256 hash;
  hash.add(std::as_bytes(std::span(csv)));
  return hash.hex();
}

nlohmann::ordered_json DataCut::identity() const {
  return {{"val_split", val}, {"test_split", test}, {"group", group}, {"cut_sha256", sha256()}};
}

void check_uncut(const DataSource& source, const std::string& why) {
  const char* const option = source.val_split > 0    ? "--val-split"
                             : source.test_split > 0 ? "--test-split"
                             : !source.group.empty() ? "--group"
                                                     : nullptr;
  if (option) throw UsageError(std::string(option) + " has no effect: " + why);
}

std::optional<DataCut> cut_splits(data::Splits& splits, const DataSource& source,
                                  const ImageContents& contents, const Events& events) {
  check_options(splits, source);
  const data::CutShares shares = shares_of(splits, source);
  if (shares.val == 0 && shares.test == 0) return std::nullopt;

  const Cuttable all = cuttable(splits, contents);
  std::optional<std::vector<Part>> parts;
  if (!source.cut_file.empty()) parts = read_cut(source.cut_file, all.images, splits.classes);
  const bool recorded = parts.has_value();
  if (!recorded) parts = data::cut(all.images, splits.classes, shares);

  std::array<std::vector<Index>, 3> places;
  for (std::size_t i = 0; i < parts->size(); ++i)
    places[static_cast<std::size_t>((*parts)[i])].push_back(all.places[i]);
  const std::shared_ptr<const data::Dataset> images = splits.train;
  std::vector<std::string> sizes;
  const auto part = [&](Part p, std::shared_ptr<const data::Dataset>& split) {
    std::vector<Index>& at = places[static_cast<std::size_t>(p)];
    const char* const name = data::kPartNames[static_cast<std::size_t>(p)];
    if (at.empty()) return;
    sizes.push_back(std::to_string(at.size()) + ' ' + name);
    split = data::some_of(images, std::move(at));
    note_lacking(name, *split, splits.classes, events);
  };
  part(Part::train, splits.train), part(Part::val, splits.val), part(Part::test, splits.test);
  events.on_note(engine::say("note:", given_by(source),
                             splits.whole ? "has no splits: cut into" : "has no val split: train is cut into",
                             engine::join(sizes, ", "), "images,",
                             recorded ? "as " + source.cut_file + " has them"
                                      : engine::say("by --val-split", shares.val, "--test-split", shares.test,
                                                    "--seed", source.seed)));
  DataCut made{shares.val, shares.test, source.group, csv_of(all, *parts, splits.classes)};
  if (!source.trained_cut.empty() && made.sha256() != source.trained_cut)
    events.on_note(engine::say(
        "note:", given_by(source),
        "is cut otherwise than the images of the run that the model is of: where they are the same, it may have been trained on any; that run's cut is the",
        kCutFile, "in its folder, which is found beside its delta"));
  return made;
}

}  // namespace training
