#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/safetensors.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/csv_output.h"
#include "tools/cli/follow.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/model_options.h"
#include "tools/cli/output_files.h"
#include "tools/training/data_source.h"
#include "tools/training/evaluate.h"
#include "tools/training/json_text.h"
#include "tools/training/tuned_model.h"

namespace cli {

using nlohmann::ordered_json;

namespace {

void write_logits(const std::string& path, const training::Predictions& p) {
  const engine::Tensor labels = engine::Tensor::of<std::int64_t>({static_cast<Index>(p.labels.size())},
                                                                 {p.labels.begin(), p.labels.end()});
  engine::write_safetensors(path, {{"logits", p.logits}, {"labels", labels}},
                            {{"files", training::json_text(p.files)}});
}

/// The record of the cut in the folder of the run that a delta is of, unless another cut is asked for; empty
/// where there is none.
std::string cut_beside(const std::string& delta, const training::DataSource& data) {
  const std::filesystem::path file = std::filesystem::path(delta).parent_path() / training::kCutFile;
  const bool other = data.val_split > 0 || data.test_split > 0 || !data.group.empty();
  return !delta.empty() && !other && std::filesystem::exists(file) ? file.string() : "";
}

const std::array<std::string, 4> kCsvColumns = {"file", "label", "predicted", "probability"};

/// A row for every image, with the class that it is most probably of.
class CsvOfClasses {
 public:
  /// `names` are those of the model's outputs.
  CsvOfClasses(const std::string& path, const std::vector<std::string>& names)
      : csv_(path, kCsvColumns), names_(names) {}

  /// A batch; a label below 0 is none.
  void add(const engine::Tensor& logits, std::span<const Index> labels, std::span<const std::string> files) {
    const auto outputs = static_cast<std::size_t>(logits.shape()[1]);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto row = logits.data<float>().subspan(i * outputs, outputs);
      const auto best = static_cast<std::size_t>(training::predicted_class(row));
      csv_.add(std::array{files[i], labels[i] < 0 ? "" : names_[static_cast<std::size_t>(labels[i])],
                          names_[best], engine::shortest(class_probabilities(row)[best])});
    }
  }
  void commit() { csv_.commit(); }

 private:
  CsvOutput csv_;
  const std::vector<std::string>& names_;
};

/// What can be said of predictions without labels.
struct Tally {
  std::vector<Index> predicted;  ///< how many images were taken for each of the model's classes
  double confidence = 0;         ///< the sum of the probabilities of the predicted classes
  Index images = 0;

  void add(const engine::Tensor& logits, std::span<const std::string> files) {
    const auto outputs = static_cast<std::size_t>(logits.shape()[1]);
    predicted.resize(outputs);
    for (std::size_t i = 0; i < files.size(); ++i) {
      const auto row = logits.data<float>().subspan(i * outputs, outputs);
      engine::check(std::ranges::all_of(row, [](float x) { return std::isfinite(x); }), "the logits of",
                    files[i], "are not all finite: the weights are too large for it");
      const auto best = static_cast<std::size_t>(training::predicted_class(row));
      ++predicted[best], ++images;
      confidence += class_probabilities(row)[best];
    }
  }
  double mean_confidence() const { return images > 0 ? confidence / static_cast<double>(images) : 0; }
};

ordered_json to_json(const Tally& tally, std::span<const std::string> names, Index skipped, double seconds) {
  ordered_json counts = ordered_json::object();
  for (std::size_t c = 0; c < tally.predicted.size(); ++c)
    if (tally.predicted[c] > 0) counts[names[c]] = tally.predicted[c];
  return {{"images", tally.images},
          {"skipped", skipped},
          {"seconds", seconds},
          {"confidence", tally.mean_confidence()},
          {"predicted", counts}};
}

void print(const Tally& tally, std::span<const std::string> names, double seconds) {
  std::cout << tally.images << " images without labels in " << engine::fixed(seconds, 1)
            << " s, mean probability of the predicted class "
            << engine::fixed(100 * tally.mean_confidence(), 1) << " %\n\n  images  predicted class\n";
  for (std::size_t c = 0; c < tally.predicted.size(); ++c)
    if (tally.predicted[c] > 0)
      std::cout << std::setw(8) << tally.predicted[c] << "  " << shown(names[c]) << '\n';
}

/// Percent, in columns.
void print_figures(const training::ClassFigures& of) {
  const auto figure = [&](double percent) { return of.support > 0 ? engine::fixed(percent, 1) : "-"; };
  std::cout << std::setw(11) << figure(of.precision) << std::setw(8) << figure(of.recall) << std::setw(8)
            << figure(of.f1) << std::setw(8) << of.support << "  ";
}

void print(const training::Evaluation& e, const std::vector<std::string>& outputs) {
  constexpr Index kTop = 5;
  std::cout << "top-1 " << engine::fixed(e.top1, 2) << " %, ";
  if (e.outputs > kTop) std::cout << "top-5 " << engine::fixed(e.top5, 2) << " %, ";
  std::cout
      << "loss " << engine::fixed(e.loss, 4) << ", calibration error " << engine::fixed(e.ece, 4) << ", "
      << e.images << " images in " << engine::fixed(e.seconds, 1)
      << " s\n\n  precision  recall      F1  images  class, and the one that it was most often taken for\n";
  for (std::size_t c = 0; c < e.classes.size(); ++c) {
    std::string worst;
    Index most = 0;
    for (const auto& [output, count] : e.confusion[c]) {
      const std::string& name = outputs[static_cast<std::size_t>(output)];
      if (name != e.classes[c] && count > most) worst = name, most = count;
    }
    print_figures(e.per_class[c]);
    std::cout << shown(e.classes[c]);
    if (most > 0) std::cout << "  (" << most << " x " << shown(worst) << ")";
    std::cout << '\n';
  }
  print_figures(training::macro_mean(e));
  std::cout << "mean of the classes\n";
  print_figures(training::weighted_mean(e));
  std::cout << "mean by images\n";
}

}  // namespace

void run_eval(Arguments arguments) {
  training::ModelSource model;
  training::DataSource data;
  std::string delta, split = "test", logits, csv;
  Index batch_size = 32, workers = 2;
  bool force = false, json = false, no_memory_check = false;
  Checks checks;
  CommandLine line(
      "eval",
      "Accuracy of a checkpoint, with a delta, on one split; of images without labels, what they are taken for.",
      "espalier eval --model vit_base.safetensors --delta runs/flowers/delta.safetensors --data "
      "flowers --split test");
  OptionTable& table = line.table;
  declare_model(table, model);
  declare_delta(table, delta, force);
  declare_data(table, data);
  table.choice("split", split, {"train", "val", "test"}, "split to evaluate on");
  table.integer("batch-size", batch_size, 1, "images in a batch");
  table.integer("workers", workers, 0, "threads that decode images ahead", kMostWorkers).handling();
  table.group("Result");
  table.output("logits", logits, "FILE", "write logits, labels and file names (safetensors)");
  table.output("csv", csv, "FILE", "write file, label, predicted class and its probability of every image");
  table.flag("json", json, "print the result as one JSON object").this_call();
  declare_memory_check(table, no_memory_check);
  declare_checks(table, checks);
  if (!line.parse(arguments)) return;
  model.check();
  data.check(split);
  check_outputs(table, [&](const std::filesystem::path& path) {
    if (path == csv)
      check_replaces_csv(path, kCsvColumns);
    else
      check_replaces_safetensors(path);
  });

  note_signals();
  Follower follower;
  const training::Events events = follower.events();
  training::LoadedModel loaded = training::load_tuned_model(model, delta, force, events);
  const Index outputs = loaded.model.config().classes;
  training::check_head(loaded, delta.empty() ? model.model : delta);
  engine::pack_weights(loaded.model);
  data.note_orientation = model.passes_over_orientation(loaded.preprocessing);
  data.seed = model.seed;
  data.cut_file = cut_beside(delta, data), data.trained_cut = loaded.cut_sha256;
  const training::EvaluationSplit images = training::open_evaluation_split(data, split, workers, events);
  std::cerr << escaped_controls(training::skipped_lines(images.skipped));
  const std::vector<Index> map = images.labelled
                                     ? training::match_classes(images.classes, loaded.classes, outputs)
                                     : std::vector<Index>{-1};
  const std::vector<std::string> names = !loaded.classes.empty() ? loaded.classes
                                         : images.labelled       ? output_names(images.classes, outputs)
                                                           : output_names(loaded.shown_classes, outputs);
  if (!images.labelled && loaded.classes.empty() && !loaded.shown_note.empty())
    events.on_note("note: " + loaded.shown_note);
  training::MemoryEstimate memory = training::estimate_inference(loaded.model.config(), batch_size);
  if (!logits.empty())
    memory.results = static_cast<std::size_t>(images.images->size() * outputs) * sizeof(float);
  check_inference_memory(memory, no_memory_check);
  if (checks.dry_run) {
    std::cout << "all checks passed: " << images.images->size() << " images "
              << (images.labelled ? "of " + split : std::string("without labels")) << '\n';
    return;
  }
  const training::EvaluateOptions how{batch_size, static_cast<int>(workers), split};
  CsvOfClasses rows(csv, names);
  training::Predictions all;
  training::Predictions* const kept = logits.empty() ? nullptr : &all;
  const Index skipped = std::ssize(images.skipped);
  std::function<void()> print_result;
  if (images.labelled) {
    training::Evaluator evaluator(images.classes, map, outputs);
    training::Evaluation e = training::evaluate_split(
        loaded.model, images.images, loaded.preprocessing, evaluator, map, how, events, kept,
        [&](const auto& scores, const auto& labels, const auto& files) { rows.add(scores, labels, files); });
    e.skipped = skipped;
    print_result = [=] {
      if (json)
        print_json(training::to_json(e, training::kMostPrinted));
      else
        print(e, names);
    };
  } else {
    Tally tally;
    const double seconds = training::run_over(
        loaded.model, images.images, loaded.preprocessing, map, how, events,
        [&](const auto& scores, const auto& labels, const auto& files) {
          tally.add(scores, files);
          rows.add(scores, labels, files);
        },
        kept);
    print_result = [=] {
      if (json)
        print_json(to_json(tally, names, skipped, seconds));
      else
        print(tally, names, seconds);
    };
  }
  images.notes->note(events);
  if (!logits.empty()) {
    write_logits(logits, all);
    check_interrupted("after " + logits + " was written");
  }
  rows.commit();
  print_result();
}

}  // namespace cli
