#include "tools/training/data_source.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>

#include "data/image_folder.h"
#include "data/screen.h"
#include "data/sources.h"
#include "data/split_file.h"
#include "engine/base/div_up.h"
#include "engine/base/text.h"
#include "tools/training/json_text.h"
#include "tools/training/usage_error.h"

namespace training {

namespace {

void note_oddities(const data::Splits& splits, const Events& events) {
  if (splits.ignored > 0)
    events.on_note(engine::say("note:", splits.ignored, "files passed over: not images by their names"));
  for (const std::string& oddity : splits.notes) events.on_note("note: " + oddity);
}

/// Leaves the images out of a split that cannot be decoded.
void screen(data::Splits& splits, const std::string& name, std::shared_ptr<const data::Dataset>& split,
            Index workers, const Events& events) {
  const Index groups = engine::div_up(split->size(), data::kScreenedAtOnce);
  ProgressReport progress(events, "check " + name, groups, data::kScreenedAtOnce);
  data::Screened screened =
      data::screen(name, split, splits.classes, static_cast<int>(workers), [&] { progress.advance(); });
  split = screened.images;
  if (!screened.note.empty()) events.on_note("note: " + screened.note);
  std::ranges::move(screened.bad, std::back_inserter(splits.skipped));
}

void note_skipped(const std::vector<data::BadImage>& skipped, const Events& events) {
  constexpr std::size_t kNamed = 3;
  if (skipped.empty()) return;
  std::vector<std::string> reasons;
  for (std::size_t i = 0; i < std::min(kNamed, skipped.size()); ++i)
    reasons.push_back(skipped[i].file + ": " + skipped[i].reason);
  if (skipped.size() > kNamed) reasons.push_back(engine::say(skipped.size() - kNamed, "more"));
  events.on_note(engine::say("note:", skipped.size(), skipped.size() == 1 ? "image" : "images",
                             "skipped:", engine::join(reasons, " | ")));
}

}  // namespace

data::Splits open_splits(const DataSource& source, const std::vector<std::string>& used, Index workers,
                         const Events& events) {
  const bool lists = !source.train_list.empty();
  data::Splits splits = lists ? data::open_split_files({source.train_list, source.val_list, source.test_list,
                                                        source.data_root, source.val_counts})
                              : data::open_data(source.data, {source.allow_empty_class});
  note_oddities(splits, events);
  if (source.on_bad_image != "skip") return splits;
  for (const auto& [name, split] :
       {std::pair{"train", &splits.train}, std::pair{"val", &splits.val}, std::pair{"test", &splits.test}}) {
    if (*split && std::ranges::find(used, name) != used.end()) screen(splits, name, *split, workers, events);
  }
  note_skipped(splits.skipped, events);
  return splits;
}

std::shared_ptr<const data::Dataset> find_split(const data::Splits& splits, const std::string& name) {
  if (name == "train+val") {
    engine::check(splits.val != nullptr, "there is no val split to train on; use --on train");
    return data::concat(splits.train, splits.val);
  }
  const auto found = name == "train" ? splits.train : name == "val" ? splits.val : splits.test;
  std::vector<std::string> there{"train"};
  if (splits.val) there.emplace_back("val");
  if (splits.test) there.emplace_back("test");
  engine::check(found != nullptr, "there is no", name, "split in the data; it has",
                engine::join(there, ", "));
  return found;
}

EvaluationSplit open_evaluation_split(const DataSource& source, const std::string& split, Index workers,
                                      const Events& events) {
  namespace fs = std::filesystem;
  const auto alone = [&](data::Splits splits) {  // opened as if it were train
    note_oddities(splits, events);
    if (source.on_bad_image == "skip") screen(splits, split, splits.train, workers, events);
    note_skipped(splits.skipped, events);
    return EvaluationSplit{splits.classes, splits.train, splits.skipped};
  };
  if (!source.data.empty()) {
    const fs::path dir = source.data;
    const fs::path folder = fs::is_directory(dir) ? data::split_folder(dir, split) : fs::path();
    if (!folder.empty() && data::split_folder(dir, "train").empty())
      return alone(data::open_class_folders(folder, {source.allow_empty_class}));
  } else if (source.train_list.empty()) {
    return alone(data::open_split_files({.train = source.list_of(split), .root = source.data_root}));
  }
  const data::Splits splits = open_splits(source, {split}, workers, events);
  return {splits.classes, find_split(splits, split), splits.skipped};
}

std::string skipped_lines(const std::vector<data::BadImage>& skipped) {
  std::string lines;
  for (const data::BadImage& bad : skipped)
    lines += json_text({{"file", bad.file}, {"reason", bad.reason}, {"split", bad.split}}) + '\n';
  return lines;
}

std::vector<Index> match_classes(const std::vector<std::string>& data_classes,
                                 const std::vector<std::string>& model_classes, Index outputs) {
  std::vector<Index> map(data_classes.size());
  if (model_classes.empty()) {
    const Index there = static_cast<Index>(data_classes.size());
    const bool numbered = data_classes == data::numbered_classes(there);  // their places are told
    engine::check(there == outputs || (numbered && there < outputs), "the model has", outputs,
                  "classes but the data has", there);
    std::iota(map.begin(), map.end(), Index{0});
    return map;
  }
  std::vector<std::string> unknown;
  for (std::size_t i = 0; i < data_classes.size(); ++i) {
    const auto at = std::ranges::find(model_classes, data_classes[i]);
    map[i] = at - model_classes.begin();
    if (at == model_classes.end()) unknown.push_back(data_classes[i]);
  }
  engine::check(
      unknown.empty(), "the data has", unknown.size(), unknown.size() == 1 ? "class" : "classes",
      "that the model does not know:",
      engine::join(unknown, ", ") + engine::did_you_mean(unknown.empty() ? "" : unknown[0], model_classes));
  return map;
}

}  // namespace training
