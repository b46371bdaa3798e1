#include <algorithm>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/base/phase.h"
#include "engine/base/stopwatch.h"
#include "engine/base/text.h"
#include "engine/io/atomic_file.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"
#include "engine/tensor/storage.h"
#include "peft/account.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/follow.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/tune_options.h"
#include "tools/experiments/report/write.h"
#include "tools/training/checkpoint.h"
#include "tools/training/evaluate.h"
#include "tools/training/features.h"
#include "tools/training/free_memory.h"
#include "tools/training/identity.h"
#include "tools/training/json_text.h"
#include "tools/training/memory_estimate.h"
#include "tools/training/mistakes.h"
#include "tools/training/peak_memory.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/run_recorder.h"
#include "tools/training/trainer.h"

namespace cli {

using engine::Phase;
using nlohmann::ordered_json;

namespace {

training::RunFolder::Existing existing_runs(const TuneOptions& options) {
  return options.resume      ? training::RunFolder::Existing::resume
         : options.overwrite ? training::RunFolder::Existing::overwrite
                             : training::RunFolder::Existing::refuse;
}

void write_config(const training::RunFolder& folder, const training::Run& run, const TuneOptions& options,
                  const ordered_json& identity) {
  ordered_json config = options.to_json();
  config.update(identity);
  config["out"] = options.out;
  config["features"] = options.features;
  config["preprocessing"] = ordered_json::parse(training::preprocessing_json(run.loaded.preprocessing));
  config["classes"] = run.splits.classes;
  config["arch_found"] = run.loaded.arch;
  config["version"] = ESPALIER_VERSION;
  config["instruction_set"] = engine::kernels::simd_name();
  config["threads"] = engine::kernels::threads();
  folder.write_json("config.json", config);
}

/// Scores and selects, writing the selection; goes on with a scoring that was interrupted.
void select(training::Run& run, const TuneOptions& options, training::RunFolder& folder,
            const std::string& identity, const training::Events& events) {
  const engine::PhaseTimer timer(Phase::score);
  training::ScoringOptions how{.save_every = options.config.save_every};
  if (options.resume)
    how.begun = training::read_partial_scores(folder.file(training::kPartialScoresFile), identity, events);
  if (how.begun) note(engine::say("resuming after scoring batch", how.begun->batches - 1));
  folder.cut_log({.scores = how.begun ? how.begun->batches : 0, .steps = 0, .evaluated = -1});
  training::score_and_select(run, options.config, events, how);
  for (const peft::Snapshot& s : run.method->snapshots()) {
    folder.log({{"kind", "choice"}, {"batch", s.batches - 1}, {"overlap", s.overlap}, {"held", s.captured}});
  }
  if (run.method->choices().empty()) return;
  training::write_selection(folder.file("selection.safetensors"), run, options.config);
}

/// Where the time of a run went, in seconds. The rest is loading, and what little is between.
ordered_json phases_json() {
  constexpr std::pair<const char*, Phase> kParts[] = {{"score", Phase::score},
                                                      {"step", Phase::step},
                                                      {"evaluate", Phase::evaluate},
                                                      {"data", Phase::data},
                                                      {"save", Phase::save}};
  ordered_json seconds;
  for (const auto& [name, phase] : kParts) seconds[name] = engine::phase_seconds(phase);
  return seconds;
}

/// The last evaluation of every split that was not trained on.
ordered_json evaluate_splits(training::Run& run, const TuneOptions& options, training::RunFolder& folder,
                             Index epoch, const training::KnownFeatures& features,
                             const training::Events& events) {
  ordered_json results;
  const std::vector<Index> map =
      training::match_classes(run.splits.classes, run.loaded.classes, run.loaded.model.config().classes);
  for (const std::string split : {"val", "test"}) {
    const bool there = split == "val" ? run.splits.val && options.config.on == "train"
                                      : run.splits.test && !options.config.no_test;
    if (!there) continue;
    const training::EvaluateOptions how{options.config.batch_size, static_cast<int>(options.config.workers),
                                        split, split == "val" ? features.val : features.test};
    const training::Predictions predictions =
        training::predict_split(run.loaded.model, training::find_split(run.splits, split),
                                run.loaded.preprocessing, map, how, events);
    training::Evaluation e = training::evaluate(predictions, run.splits.classes, map);
    folder.write_json("judged.json", training::mistakes_json(split, predictions, run.loaded.classes));
    e.skipped = std::ranges::count(run.splits.skipped, split, &data::BadImage::split);
    if (split == "test") {
      folder.log({{"kind", "eval"},
                  {"epoch", epoch},
                  {"split", split},
                  {"loss", e.loss},
                  {"top1", e.top1},
                  {"top5", e.top5}});
    }
    results[split] = training::to_json(e);
  }
  return results;
}

/// Notes what the run will need, and refuses one that needs more than there is.
void estimate_memory(training::Run& run, const TuneOptions& options) {
  const training::MemoryEstimate estimate = training::estimate_memory(run, options.config);
  engine::release_free_buffers();
  const std::size_t free = training::free_memory();
  note("memory: " + estimate.text());
  if (!options.no_memory_check) training::check_memory(estimate, free);
}

/// Trains to the end; the error of a run that diverges names the file of its last good state.
void train(training::Trainer& trainer, const training::RunFolder& folder) {
  try {
    trainer.train();
  } catch (const training::Diverged& e) {
    throw engine::Error(
        engine::say(e.what() + std::string(". The last good state is kept in"),
                    folder.file(training::kCheckpointFile).string() + "; a lower --lr or --clip may help"));
  }
}

std::string seconds_list(const ordered_json& phases) {
  std::vector<std::string> words;
  for (const auto& [name, seconds] : phases.items())
    words.push_back((name == "data" ? "waiting for images" : name) + ' ' + engine::fixed(seconds, 1));
  return engine::join(words, ", ");
}

void print(const ordered_json& result, const training::RunFolder& folder) {
  for (const char* split : {"val", "test"}) {
    if (!result.contains(split)) continue;
    const ordered_json& e = result[split];
    std::cout << split << ": top-1 " << engine::fixed(e["top1"], 2) << " %, top-5 "
              << engine::fixed(e["top5"], 2) << " %, loss " << engine::fixed(e["loss"], 4) << ", "
              << e["images"] << " images\n";
  }
  std::cout << "delta " << result["delta_bytes"] << " bytes, " << engine::fixed(result["seconds"], 1)
            << " s, peak memory " << engine::fixed(result["peak_mb"], 0) << " MB\n"
            << "seconds: " << seconds_list(result["phases"]) << '\n'
            << "run folder: " << folder.path().string() << '\n'
            << "trainable parameters: " << engine::human_count(result["trainable"]) << " of "
            << engine::human_count(result["total"]) << '\n';
}

}  // namespace

void run_tune(Arguments arguments) {
  std::optional<TuneOptions> parsed = parse_tune(arguments);
  if (!parsed) return;
  TuneOptions& options = *parsed;
  if (options.out.empty())
    options.out = training::RunFolder::fresh_path(options.config.data.name(), options.config.method);
  training::RunFolder::check_free(options.out, existing_runs(options));

  const engine::Stopwatch watch;
  note_signals();
  std::vector<std::string> splits{"train", "val"};
  if (!options.config.no_test) splits.emplace_back("test");
  Follower follower;
  training::Events events = follower.events();
  training::Run run = training::open_run(options.config, splits, events);
  estimate_memory(run, options);
  training::RunFolder folder(options.out, existing_runs(options), events);
  const ordered_json identity = training::identity_of(
      options.identity_json(), training::identity_of(run.loaded), run.splits.classes, *run.images);
  const std::string identity_text = training::json_text(identity);
  training::record_run(events, folder, identity_text);
  const std::optional<training::Checkpoint> checkpoint =
      options.resume ? training::Checkpoint::newest(folder, identity_text, events) : std::nullopt;
  write_config(folder, run, options, identity);
  if (options.config.data.on_bad_image == "skip")
    engine::write_file(folder.file("skipped.jsonl"), training::skipped_lines(run.splits.skipped));
  if (checkpoint) {
    const training::RunState& state = checkpoint->state();
    folder.cut_log(
        {.scores = std::numeric_limits<Index>::max(), .steps = state.step, .evaluated = state.evaluated});
    checkpoint->restore(run.loaded.model, *run.method);
    note(engine::say("resuming after step", state.step));
  } else {
    if (options.resume) note("note: " + options.out + " has no checkpoint to go on from");
    select(run, options, folder, identity_text, events);
    engine::release_free_buffers();  // of sizes that scoring needed and training does not
  }
  const training::KnownFeatures features =
      training::known_features(run, options.config, options.features, events);
  training::Trainer trainer(run, options.config, events, features);
  if (checkpoint)
    trainer.resume(*checkpoint);
  else
    trainer.save();
  folder.remove(training::kPartialScoresFile);
  train(trainer, folder);

  const auto delta = folder.file("delta.safetensors");
  training::write_delta(delta, run, options.config);
  const peft::Account account = peft::account(run.loaded.model);
  ordered_json result = evaluate_splits(run, options, folder, trainer.last_epoch(), features, events);
  result["trainable"] = account.trainable;
  result["total"] = account.total;
  result["resumed"] = checkpoint.has_value();
  result["seconds"] = watch.seconds();
  result["phases"] = phases_json();
  result["skipped"] = run.splits.skipped.size();
  result["peak_mb"] = training::peak_mb();
  result["delta_bytes"] = std::filesystem::file_size(delta);
  folder.sync_log();
  folder.write_json("result.json", result);
  experiments::write_run_report(folder.path(),
                                {.result = &result,
                                 .evaluated = result.contains("test") ? run.splits.test : run.splits.val,
                                 .note = note});
  if (options.json)
    std::cout << training::json_text(result, 2) << '\n';
  else
    print(result, folder);
}

}  // namespace cli
