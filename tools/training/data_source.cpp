#include "tools/training/data_source.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <unordered_map>

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
  const std::string part = "check " + name;
  ProgressReport progress(events, part, groups, data::kScreenedAtOnce);
  data::Screened screened = data::screen(name, split, splits.classes, static_cast<int>(workers), [&] {
    progress.advance();
    check_stop(events, "while looking for bad images in " + name);
  });
  split = screened.images;
  std::ranges::move(screened.bad, std::back_inserter(splits.skipped));
}

/// Notes images that are in two splits: what is learned by heart would count as right.
void note_shared(const data::Splits& splits, const Events& events) {
  std::unordered_map<std::string, const char*> split_of;
  std::map<std::pair<std::string, std::string>, std::pair<Index, std::string>> shared;
  const std::pair<const char*, std::shared_ptr<const data::Dataset>> all[] = {
      {"train", splits.train}, {"val", splits.val}, {"test", splits.test}};
  for (const auto& [split, images] : all) {
    for (Index i = 0; images && i < images->size(); ++i) {
      const std::string name = std::filesystem::path(images->name(i)).lexically_normal().string();
      const auto [at, is_new] = split_of.emplace(name, split);
      if (is_new || at->second == split) continue;
      auto& [count, first] = shared[{at->second, split}];
      if (count++ == 0) first = name;
    }
  }
  for (const auto& [pair, found] : shared)
    events.on_note(engine::say("note:", found.first, found.first == 1 ? "image is" : "images are", "in",
                               pair.first, "and in", pair.second + ", such as", found.second));
}

/// Throws an Error that names the first image of a split that is not there, and how many there are; `hint` is
/// what to do where all are missing.
void check_all_there(const std::string& split, const data::Dataset& images, const std::string& hint = {}) {
  Index missing = 0;
  std::string first;
  for (Index i = 0; i < images.size(); ++i) {
    try {
      images.check_there(i);
    } catch (const engine::Error& e) {
      if (missing++ == 0) first = e.what();
    }
  }
  engine::check(missing == 0, first + ";", missing, "of the", images.size(), "images of", split,
                "cannot be opened;",
                missing == images.size() && !hint.empty() ? hint : "--on-bad-image skip leaves them out");
}

data::ClassOrder order_of(const DataSource& source) {
  return source.class_order == "natural" ? data::ClassOrder::natural : data::ClassOrder::sorted;
}

data::FolderOptions folder_options(const DataSource& source) {
  return {.allow_empty_class = source.allow_empty_class,
          .val_counts = source.val_counts,
          .class_order = order_of(source),
          .group = source.group};
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

std::shared_ptr<ImageNotes> notes_for(const DataSource& source, const Events& events) {
  return std::make_shared<ImageNotes>(
      ImageNotes::Options{.strict = events.strict, .orientation = source.note_orientation});
}

}  // namespace

OpenedData open_data_source(const DataSource& source, const std::vector<std::string>& used, Index workers,
                            const Events& events) {
  const bool lists = !source.train_list.empty();
  OpenedData opened{.splits = lists ? data::open_split_files({.train = source.train_list,
                                                              .val = source.val_list,
                                                              .test = source.test_list,
                                                              .root = source.data_root,
                                                              .val_counts = source.val_counts,
                                                              .group = source.group,
                                                              .order = order_of(source)})
                                    : data::open_data(source.data, folder_options(source)),
                    .listed = {},
                    .contents = std::make_shared<ImageContents>(source.root()),
                    .notes = notes_for(source, events),
                    .cut = {}};
  data::Splits& splits = opened.splits;
  note_oddities(splits, events);
  opened.cut = cut_splits(splits, source, *opened.contents, events);
  note_shared(splits, events);
  const bool is_list = !source.data.empty() && !std::filesystem::is_directory(source.data);
  const std::string hint = is_list ? "its paths are relative to its folder; --train-list " + source.data +
                                         " --data-root DIR has them relative to DIR"
                                   : "";
  const bool skips = source.on_bad_image == "skip";
  const std::pair<const char*, std::shared_ptr<const data::Dataset>*> all[] = {
      {"train", &splits.train}, {"val", &splits.val}, {"test", &splits.test}};
  for (const auto& [name, split] : all) {
    if (!*split) continue;
    if (!skips && std::ranges::find(used, name) != used.end()) check_all_there(name, **split, hint);
    *split = opened.notes->watch(opened.contents->watch(*split));
  }
  opened.listed = splits;
  if (!skips) return opened;
  for (const auto& [name, split] : all) {
    if (*split && std::ranges::find(used, name) != used.end()) screen(splits, name, *split, workers, events);
  }
  opened.notes->note(events);
  note_skipped(splits.skipped, events);
  return opened;
}

data::Splits open_splits(const DataSource& source, const std::vector<std::string>& used, Index workers,
                         const Events& events) {
  return open_data_source(source, used, workers, events).splits;
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
  const bool labelled = source.data.empty() || !data::holds_unlabelled_images(source.data);
  const auto alone = [&](data::Splits splits) {  // opened as if it were train
    check_uncut(source, source.root() + " has no train split");
    note_oddities(splits, events);
    const bool skips = source.on_bad_image == "skip";
    if (!skips) check_all_there(split, *splits.train);
    const auto notes = notes_for(source, events);
    splits.train = notes->watch(splits.train);
    if (skips) screen(splits, split, splits.train, workers, events);
    note_skipped(splits.skipped, events);
    return EvaluationSplit{splits.classes, splits.train, splits.skipped, notes, labelled};
  };
  if (!labelled) return alone(data::open_unlabelled(source.data));
  if (!source.data.empty()) {
    if (auto splits = data::open_split_alone(source.data, split, folder_options(source)))
      return alone(std::move(*splits));
  } else if (source.train_list.empty()) {
    return alone(
        data::open_split_files({.train = source.list_of(split), .root = source.data_root, .judged = true}));
  }
  DataSource learned = source;  // the classes may be those of a model that has learned from val, too
  learned.val_counts = true;
  const OpenedData opened = open_data_source(learned, {split}, workers, events);
  const data::Splits& splits = opened.splits;
  return {splits.classes, find_split(splits, split), splits.skipped, opened.notes, labelled};
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
                  "classes but the data has",
                  std::to_string(there) + "; a tuned model's come with its --delta");
    std::iota(map.begin(), map.end(), Index{0});
    return map;
  }
  std::unordered_map<std::string_view, Index> places;
  for (std::size_t i = 0; i < model_classes.size(); ++i)
    places.emplace(model_classes[i], static_cast<Index>(i));  // of two of one name, the first
  std::vector<std::string> unknown;
  for (std::size_t i = 0; i < data_classes.size(); ++i) {
    const auto at = places.find(data_classes[i]);
    if (at == places.end())
      unknown.push_back(data_classes[i]);
    else
      map[i] = at->second;
  }
  if (unknown.empty()) return map;
  const std::string spelling = data::hint_of_spelling(unknown, model_classes, "the model's");
  throw engine::Error(engine::say("the data has", unknown.size(), unknown.size() == 1 ? "class" : "classes",
                                  "that the model does not know:", engine::join(unknown, ", ")) +
                      (spelling.empty() ? engine::did_you_mean(unknown[0], model_classes) : spelling));
}

}  // namespace training
