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
#include "peft/delta.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/interrupt.h"
#include "tools/experiments/report/write.h"
#include "tools/training/features.h"
#include "tools/training/job.h"
#include "tools/training/json_text.h"
#include "tools/training/judged.h"
#include "tools/training/memory.h"
#include "tools/training/peak_memory.h"
#include "tools/training/pretrained/metadata.h"
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

void write_config(const training::RunFolder& folder, const training::Job& job, const TuneOptions& options,
                  const ordered_json& identity) {
  ordered_json config = options.to_json();
  config.update(identity);
  config["out"] = options.out;
  config["features"] = options.features;
  config["preprocessing"] = ordered_json::parse(training::preprocessing_json(job.loaded.preprocessing));
  config["classes"] = job.splits.classes;
  config["arch_found"] = job.loaded.arch;
  config["version"] = ESPALIER_VERSION;
  config["instruction_set"] = engine::kernels::simd_name();
  config["threads"] = engine::kernels::threads();
  folder.write_json("config.json", config);
}

constexpr const char* kPartialScores = "scores.safetensors";

/// Scores and selects, writing the selection and the scoring losses; goes on with a scoring that was
/// interrupted.
void select(training::Job& job, const TuneOptions& options, training::RunFolder& folder,
            const std::string& config) {
  const engine::PhaseTimer timer(Phase::score);
  training::ScoringRun run;
  run.partial = folder.file(kPartialScores), run.config = config, run.save_every = options.save_every;
  if (options.resume) run.begun = training::read_partial_scores(run.partial, config);
  if (run.begun) note(engine::say("resuming after scoring batch", run.begun->batches - 1));
  folder.cut_log({.scores = run.begun ? run.begun->batches : 0, .steps = 0, .judged = -1});
  run.before_saving = [&] { folder.sync_log(); };
  run.on_loss = [&](Index batch, double loss) {
    folder.log({{"kind", "score"}, {"batch", batch}, {"loss", loss}});
  };
  training::prepare(job, options, std::move(run));
  for (const peft::Look& look : job.method->looks()) {
    folder.log(
        {{"kind", "choice"}, {"batch", look.batches - 1}, {"overlap", look.overlap}, {"held", look.held}});
  }
  if (job.method->choices().empty()) return;
  training::write_selection(folder.file("selection.safetensors"), job, options);
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

/// The last evaluation of every split that was not learnt from.
ordered_json evaluate_splits(training::Job& job, const TuneOptions& options, training::RunFolder& folder,
                             Index epoch, const training::KnownFeatures& features) {
  ordered_json results;
  const std::vector<Index> map =
      training::match_classes(job.splits.classes, job.loaded.classes, job.loaded.model.config().classes);
  for (const std::string split : {"val", "test"}) {
    const bool there =
        split == "val" ? job.splits.val && options.on == "train" : job.splits.test && !options.no_test;
    if (!there) continue;
    const training::EvaluateOptions how{options.batch_size, static_cast<int>(options.workers), split,
                                        split == "val" ? features.val : features.test};
    const training::Predictions predictions = training::predict_split(
        job.loaded.model, training::find_split(job.splits, split), job.loaded.preprocessing, map, how);
    training::Evaluation e = training::judge(predictions, job.splits.classes, map);
    folder.write_json("judged.json", training::judged_json(split, predictions, job.loaded.classes));
    e.skipped = std::ranges::count(job.splits.skipped, split, &data::BadImage::split);
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

/// Says what the run will need, and refuses one that needs more than there is.
void foretell_memory(training::Job& job, const TuneOptions& options) {
  const training::MemoryForecast plan = training::forecast(job, options);
  engine::release_free_buffers();
  const std::size_t free = training::free_memory();
  note("memory: " + plan.text());
  if (!options.no_memory_check) training::check_memory(plan, free);
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
  std::cout << "trained " << result["trainable"] << " of " << result["total"] << " numbers, delta "
            << result["delta_bytes"] << " bytes, " << engine::fixed(result["seconds"], 1)
            << " s, peak memory " << engine::fixed(result["peak_mb"], 0) << " MB\n"
            << "seconds: " << seconds_list(result["phases"]) << '\n'
            << "run folder: " << folder.path().string() << '\n';
}

}  // namespace

void run_tune(Arguments arguments) {
  std::optional<TuneOptions> parsed = parse_tune(arguments);
  if (!parsed) return;
  TuneOptions& options = *parsed;
  if (options.out.empty()) options.out = training::RunFolder::fresh_path(options.data.name(), options.method);
  training::RunFolder::check_free(options.out, existing_runs(options));

  const engine::Stopwatch watch;
  note_signals();
  std::vector<std::string> splits{"train", "val"};
  if (!options.no_test) splits.emplace_back("test");
  training::Job job = training::make_job(options, splits);
  foretell_memory(job, options);
  training::RunFolder folder(options.out, existing_runs(options));
  const ordered_json identity =
      training::identity_of(options, training::identity_of(job.loaded), job.splits.classes, *job.images);
  const std::string config = training::json_text(identity);
  const std::optional<training::Checkpoint> checkpoint =
      options.resume ? training::Checkpoint::newest(folder, config) : std::nullopt;
  write_config(folder, job, options, identity);
  if (options.data.on_bad_image == "skip")
    engine::write_file(folder.file("skipped.jsonl"), training::skipped_lines(job.splits.skipped));
  if (checkpoint) {
    const training::RunState& state = checkpoint->state();
    folder.cut_log(
        {.scores = std::numeric_limits<Index>::max(), .steps = state.step, .judged = state.judged});
    checkpoint->restore(job.loaded.model, *job.method);
    note(engine::say("resuming after step", state.step));
  } else {
    if (options.resume) note("note: " + options.out + " has no checkpoint to go on from");
    select(job, options, folder, config);
    engine::release_free_buffers();  // of sizes that scoring needed and training does not
  }
  const training::KnownFeatures features = training::known_features(job, options, options.features);
  training::Trainer trainer({job.loaded, *job.method, job.splits, folder, options, config, features});
  if (checkpoint)
    trainer.resume(*checkpoint);
  else
    trainer.save();
  folder.remove(kPartialScores);
  trainer.run();

  const auto delta = folder.file("delta.safetensors");
  engine::write_safetensors(delta, peft::delta_of(job.loaded.model, job.method->moved(job.loaded.model)),
                            training::metadata_of(job, options, "espalier-delta"));
  const peft::Account account = peft::account(job.loaded.model);
  ordered_json result = evaluate_splits(job, options, folder, trainer.last_epoch(), features);
  result["trainable"] = account.trainable;
  result["total"] = account.total;
  result["resumed"] = checkpoint.has_value();
  result["seconds"] = watch.seconds();
  result["phases"] = phases_json();
  result["skipped"] = job.splits.skipped.size();
  result["peak_mb"] = training::peak_mb();
  result["delta_bytes"] = std::filesystem::file_size(delta);
  folder.sync_log();
  folder.write_json("result.json", result);
  experiments::write_run_report(
      folder.path(),
      {.result = &result,
       .evaluated = result.contains("test") ? job.splits.test : job.splits.val,
       .note = note});
  if (options.json)
    std::cout << training::json_text(result, 2) << '\n';
  else
    print(result, folder);
}

}  // namespace cli
