#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/safetensors.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
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

/// Names for all outputs: those of the data's classes, which come first, and numbers.
std::vector<std::string> all_outputs(std::vector<std::string> names, Index outputs) {
  for (Index i = static_cast<Index>(names.size()); i < outputs; ++i) names.push_back(std::to_string(i));
  return names;
}

/// Percent, in columns.
void print_figures(const training::ClassFigures& of) {
  const auto figure = [&](double percent) { return of.support > 0 ? engine::fixed(percent, 1) : "-"; };
  std::cout << std::setw(11) << figure(of.precision) << std::setw(8) << figure(of.recall) << std::setw(8)
            << figure(of.f1) << std::setw(8) << of.support << "  ";
}

void print(const training::Evaluation& e, const std::vector<std::string>& outputs) {
  std::cout
      << "top-1 " << engine::fixed(e.top1, 2) << " %, top-5 " << engine::fixed(e.top5, 2) << " %, loss "
      << engine::fixed(e.loss, 4) << ", calibration error " << engine::fixed(e.ece, 4) << ", " << e.images
      << " images in " << engine::fixed(e.seconds, 1)
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
  std::string delta, split = "test", logits;
  Index batch_size = 32, workers = 2;
  bool force = false, json = false, no_memory_check = false;
  Checks checks;
  CommandLine line("eval", "Accuracy of a checkpoint, with a delta, on one split.",
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
  table.flag("json", json, "print the result as one JSON object").this_call();
  declare_memory_check(table, no_memory_check);
  declare_checks(table, checks);
  if (!line.parse(arguments)) return;
  model.check();
  data.check(split);
  check_outputs(table);

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
  const std::vector<Index> map = training::match_classes(images.classes, loaded.classes, outputs);
  training::MemoryEstimate memory = training::estimate_inference(loaded.model.config(), batch_size);
  if (!logits.empty())
    memory.results = static_cast<std::size_t>(images.images->size() * outputs) * sizeof(float);
  check_inference_memory(memory, no_memory_check);
  if (checks.dry_run) {
    std::cout << "all checks passed: " << images.images->size() << " images of " << split << '\n';
    return;
  }
  training::Evaluator evaluator(images.classes, map, outputs);
  training::Predictions all;
  training::Evaluation e = training::evaluate_split(
      loaded.model, images.images, loaded.preprocessing, evaluator, map,
      {batch_size, static_cast<int>(workers), split}, events, logits.empty() ? nullptr : &all);
  images.notes->note(events);
  e.skipped = std::ssize(images.skipped);
  if (!logits.empty()) {
    write_logits(logits, all);
    check_interrupted("after " + logits + " was written");
  }
  if (json)
    print_json(training::to_json(e, training::kMostPrinted));
  else
    print(e, loaded.classes.empty() ? all_outputs(images.classes, outputs) : loaded.classes);
}

}  // namespace cli
