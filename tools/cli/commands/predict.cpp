#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "data/codecs/decode.h"
#include "data/dataset.h"
#include "data/folder_items.h"
#include "engine/autograd/record.h"
#include "engine/base/text.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/csv_output.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/model_options.h"
#include "tools/cli/output_files.h"
#include "tools/training/image_notes.h"
#include "tools/training/json_text.h"
#include "tools/training/next_batch.h"
#include "tools/training/tuned_model.h"
#include "tools/training/usage_error.h"

namespace cli {

using nlohmann::ordered_json;

namespace {

const std::array<std::string, 3> kCsvStart = {"file", "class", "probability"};

/// Image files to be read in batches: what cannot be read is black, and the reason is kept.
class ReadableFiles : public data::Dataset {
 public:
  ReadableFiles(std::vector<std::string> files, training::ImageNotes& notes)
      : files_(std::move(files)), notes_(notes) {}
  Index size() const override { return std::ssize(files_); }
  std::string name(Index i) const override { return files_[static_cast<std::size_t>(i)]; }
  Index label(Index) const override { return 0; }
  data::Image image(Index i) const override {
    try {
      data::Image image = data::read_image(name(i));
      notes_.add(image, name(i));
      return image;
    } catch (const engine::Error& e) {
      const std::lock_guard lock(mutex_);
      reasons_.emplace(i, e.what());
      return {1, 1};
    }
  }
  /// Why an image that was read is black; nothing where it is whole. Forgotten from then on.
  std::optional<std::string> take_reason(Index i) const {
    const std::lock_guard lock(mutex_);
    const auto found = reasons_.extract(i);
    return found ? std::optional(found.mapped()) : std::nullopt;
  }

 private:
  std::vector<std::string> files_;
  training::ImageNotes& notes_;
  mutable std::mutex mutex_;
  mutable std::map<Index, std::string> reasons_;
};

/// The probabilities of an image's classes and their places in descending order.
struct Prediction {
  std::string file;
  std::vector<double> probabilities;
  std::vector<std::size_t> order;
};

/// Of a row of class scores.
Prediction prediction_of(const std::string& file, std::span<const float> x) {
  engine::check(std::ranges::all_of(x, [](float v) { return std::isfinite(v); }), "the logits of", file,
                "are not all finite: the weights are too large for it");
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t i, std::size_t j) { return x[i] > x[j]; });
  return {file, class_probabilities(x), std::move(order)};
}

/// The images that were named, and those below folders that were. Throws an Error for a folder without any.
std::vector<std::string> images_of(const std::vector<std::string>& names) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (!data::is_folder(name)) {
      files.push_back(name);
      continue;
    }
    const std::vector<std::filesystem::path> found = data::images_below(name).images;
    engine::check(!found.empty(), name + ":", "no images in this folder (" + data::image_extensions() + ")");
    for (const std::filesystem::path& file : found) files.push_back(file.string());
  }
  return files;
}

/// Files that could not be read, each named on stderr when it is found.
class Bad {
 public:
  void add(const std::string& reason) {
    if (count_++ == 0) first_ = reason;
    std::cout << std::flush;  // in the order of the files, where both streams go to one place
    note("skipped " + reason);
  }
  /// Throws an Error that names the first one when there are any among `all`.
  void check(Index all, const char* what) const {
    engine::check(count_ == 0, count_, "of", all, "images", std::string(what) + "; the first is", first_);
  }

 private:
  Index count_ = 0;
  std::string first_;
};

/// Of --dry-run: reads every image.
void check_images(const ReadableFiles& files, training::ImageNotes& notes) {
  Bad bad;
  for (Index i = 0; i < files.size(); ++i) {
    files.image(i);
    if (const auto reason = files.take_reason(i)) bad.add(*reason);
  }
  notes.note({.on_note = note});
  bad.check(files.size(), "cannot be read");
  std::cout << "all checks passed: " << files.size() << " images\n";
}

/// Prints predictions as they come: text, or the elements of a JSON array.
class Printer {
 public:
  Printer(bool json, Index top, const std::vector<std::string>& names)
      : json_(json), top_(top), names_(names) {}

  void print(const Prediction& one) {
    const std::size_t most = std::min(one.order.size(), static_cast<std::size_t>(top_));
    if (json_) {
      ordered_json top = ordered_json::array();
      for (const std::size_t c : std::span(one.order).first(most))
        top.push_back({{"class", names_[c]}, {"probability", one.probabilities[c]}});
      const std::string text = escaped_controls(training::json_text({{"file", one.file}, {"top", top}}, 2));
      std::cout << (count_ == 0 ? "[\n" : ",\n") << indented(text) << std::flush;
    } else {
      std::cout << shown(one.file) << '\n';
      for (const std::size_t c : std::span(one.order).first(most))
        std::cout << "  " << engine::fixed(100 * one.probabilities[c], 1) << " %  " << shown(names_[c])
                  << '\n';
      std::cout << std::flush;
    }
    ++count_;
    engine::check(static_cast<bool>(std::cout), "the result could not be written to standard output");
  }
  void finish() {
    if (json_) std::cout << (count_ == 0 ? "[]\n" : "\n]\n");
  }

 private:
  static std::string indented(const std::string& text) {
    std::string all = "  ";
    for (const char c : text) {
      all += c;
      if (c == '\n') all += "  ";
    }
    return all;
  }
  bool json_;
  Index top_;
  const std::vector<std::string>& names_;
  Index count_ = 0;
};

/// The columns of --csv, for the classes of these names.
std::vector<std::string> csv_columns(const std::vector<std::string>& names) {
  std::vector<std::string> columns(kCsvStart.begin(), kCsvStart.end());
  for (const std::string& name : names) columns.push_back("p_" + name);
  return columns;
}

std::vector<std::string> csv_row(const Prediction& one, const std::vector<std::string>& names) {
  std::vector<std::string> row{one.file, names[one.order[0]],
                               engine::shortest(one.probabilities[one.order[0]])};
  for (const double p : one.probabilities) row.push_back(engine::shortest(p));
  return row;
}

/// Runs the model over the files, in batches, and gives `take` every prediction and `bad` what has none.
template <class Take>
void predict_all(training::LoadedModel& loaded, const std::shared_ptr<const ReadableFiles>& files,
                 Index batch_size, Index workers, Bad& bad, Take take) {
  const engine::NoGrad no_grad;
  data::Loader loader(files, {.preprocessing = loaded.preprocessing,
                              .batch_size = batch_size,
                              .workers = static_cast<int>(workers)});
  loader.start(0);
  while (const auto batch = training::next_batch(loader)) {
    check_interrupted("while predicting");
    const engine::Tensor logits = loaded.model(batch->images);
    const auto outputs = static_cast<std::size_t>(logits.shape()[1]);
    for (std::size_t i = 0; i < batch->names.size(); ++i) {
      if (const auto reason = files->take_reason(batch->samples[i])) {
        bad.add(*reason);
        continue;
      }
      std::optional<Prediction> one;
      try {
        one = prediction_of(batch->names[i], logits.data<float>().subspan(i * outputs, outputs));
      } catch (const engine::Error& e) {
        bad.add(e.what());
        continue;
      }
      take(*one);
    }
  }
}

}  // namespace

void run_predict(Arguments arguments) {
  training::ModelSource model;
  std::string delta, csv;
  Index top = 5, batch_size = 32, workers = 2;
  bool force = false, json = false, no_memory_check = false;
  Checks checks;
  std::vector<std::string> files;
  CommandLine line(
      "predict", "Classes and probabilities of single images, or of all below a folder.",
      "espalier predict rose.jpg tulip.jpg --model vit_base.safetensors --delta runs/flowers/delta.safetensors");
  OptionTable& table = line.table;
  table.words("IMAGE", files, "image file, or a folder of images");
  declare_model(table, model);
  declare_delta(table, delta, force);
  table.integer("batch-size", batch_size, 1, "images in a batch");
  table.integer("workers", workers, 0, "threads that decode images ahead", kMostWorkers).handling();
  table.group("Result");
  table.integer("top", top, 1, "classes to print for each image");
  table.flag("json", json, "print the result as one JSON array").this_call();
  table.output("csv", csv, "FILE", "write file, class, probability and the probability of every class");
  declare_memory_check(table, no_memory_check);
  declare_checks(table, checks);
  if (!line.parse(arguments)) return;
  model.check();
  if (files.empty()) throw training::UsageError("predict: at least one image is needed");
  files = images_of(files);
  check_outputs(table, [](const std::filesystem::path& path) { check_replaces_csv(path, kCsvStart); });
  batch_size = std::min(batch_size, std::ssize(files));

  note_signals();
  const training::Events events{.on_note = note};
  training::LoadedModel loaded = training::load_tuned_model(model, delta, force, events);
  training::check_head(loaded, delta.empty() ? model.model : delta);
  check_inference_memory(training::estimate_inference(loaded.model.config(), batch_size), no_memory_check);
  training::ImageNotes notes(
      {.strict = checks.strict, .orientation = model.passes_over_orientation(loaded.preprocessing)});
  const auto readable = std::make_shared<const ReadableFiles>(std::move(files), notes);
  if (checks.dry_run) return check_images(*readable, notes);
  engine::pack_weights(loaded.model);
  const std::vector<std::string> names = output_names(
      loaded.classes.empty() ? loaded.shown_classes : loaded.classes, loaded.model.config().classes);
  if (loaded.classes.empty() && !loaded.shown_note.empty()) note("note: " + loaded.shown_note);
  CsvOutput rows(csv, csv_columns(names));
  Printer printer(json, top, names);
  Bad bad;
  predict_all(loaded, readable, batch_size, workers, bad, [&](const Prediction& one) {
    printer.print(one);
    rows.add(csv_row(one, names));
  });
  printer.finish();
  rows.commit();
  notes.note(events);
  bad.check(readable->size(), "have no prediction");
}

}  // namespace cli
