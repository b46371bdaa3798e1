#include <algorithm>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/base/phase.h"
#include "engine/base/stopwatch.h"
#include "engine/base/text.h"
#include "engine/io/atomic_file.h"
#include "engine/io/folder.h"
#include "engine/io/json.h"
#include "engine/kernels/simd.h"
#include "engine/tensor/storage.h"
#include "peft/account.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/follow.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/output_files.h"
#include "tools/cli/tune_options.h"
#include "tools/experiments/report/write.h"
#include "tools/training/checkpoint.h"
#include "tools/training/evaluate.h"
#include "tools/training/free_memory.h"
#include "tools/training/identity.h"
#include "tools/training/json_field.h"
#include "tools/training/json_text.h"
#include "tools/training/known_scores.h"
#include "tools/training/memory_estimate.h"
#include "tools/training/mistakes.h"
#include "tools/training/peak_memory.h"
#include "tools/training/prefix/cache.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/run_cost.h"
#include "tools/training/run_recorder.h"
#include "tools/training/trainer.h"
#include "tools/training/usage_error.h"

namespace cli {

using engine::Phase;
using nlohmann::ordered_json;

namespace {

constexpr const char* kSelection = "selection.safetensors";

training::RunFolder::Existing existing_runs(const TuneOptions& options) {
  return options.resume      ? training::RunFolder::Existing::resume
         : options.overwrite ? training::RunFolder::Existing::overwrite
                             : training::RunFolder::Existing::refuse;
}

/// Looks at the paths before long work: the outputs against the inputs, and whether the run may write.
void check_paths(TuneOptions options) {
  OptionTable table;
  declare_tune(table, options);
  check_outputs(table);
  if (const std::filesystem::path kept = options.prefix_cache().folder; !kept.empty()) {
    check_not_among_images("--prefix-cache", kept, options.config.data.data);
    if (std::filesystem::exists(kept) && !std::filesystem::is_directory(kept))
      throw training::UsageError("--prefix-cache " + kept.string() + " is a file; a folder is needed");
  }
  if (options.scores.ends_with('/'))
    check_not_among_images("--scores", options.scores, options.config.data.data);
  if (options.out.empty()) {
    check_not_among_images("--out", "runs", options.config.data.data);
    engine::check_writable("runs", "runs");
  } else {
    training::RunFolder::check_free(options.out, existing_runs(options));
  }
}

/// What a run would do that was only checked.
void print_plan(const training::Run& run, const TuneOptions& options) {
  std::cout << "all checks passed: method " << options.config.method << " on " << run.images->size()
            << " images of " << run.splits.classes.size() << " classes, "
            << (options.config.steps > 0 ? engine::say(options.config.steps, "steps")
                                         : engine::say(options.config.epochs, "epochs"))
            << "; nothing was written\n";
}

void write_config(const training::RunFolder& folder, const training::Run& run, const TuneOptions& options,
                  const training::RunIdentity& identity) {
  ordered_json config = options.to_json();
  config.update(identity.fields());
  config["model"] = options.config.model.model;  // where it was; what the identity says of it stands there
  config["images"] = run.images->size();
  for (const auto& [prefix, split] :
       {std::pair{"val_", run.listed.val}, std::pair{"test_", run.listed.test}}) {
    if (split) config.update(training::identity_of(run.listed.classes, *split, *run.contents, prefix));
  }
  config["identity"] = identity.fields();
  config["out"] = options.out;
  config["features"] = options.features;
  config["preprocessing"] = ordered_json::parse(training::preprocessing_json(run.loaded.preprocessing));
  config["classes"] = run.splits.classes;
  config["arch_found"] = run.loaded.arch;
  config["version"] = ESPALIER_VERSION;
  config["instruction_set"] = engine::kernels::simd_name();
  config["threads"] = run.loaded.threads.count;
  config["threads_from"] = run.loaded.threads.from;
  folder.write_json("config.json", config);
}

/// What an earlier scoring has left for the run.
training::ScoringOptions scoring_options(training::Run& run, const TuneOptions& options,
                                         const training::Events& events) {
  training::ScoringOptions how{.save_every = options.config.save_every};
  const engine::PhaseTimer timer(Phase::score);
  if (!options.scores.empty()) training::use_known_scores(options.scores, run, options.config, events, how);
  return how;
}

/// Scores and selects, writing the selection; goes on with a scoring that was interrupted.
void select(training::Run& run, const TuneOptions& options, training::RunFolder& folder,
            const training::RunIdentity& identity, training::ScoringOptions how,
            const training::Events& events) {
  const engine::PhaseTimer timer(Phase::score);
  if (options.resume && !how.known)
    how.begun = training::read_partial_scores(folder.file(training::kPartialScoresFile), identity, events);
  if (how.begun)
    note(engine::say("resuming after scoring batch", how.begun->batches - 1));
  else if (options.resume)
    note("note: " + options.out + " has no checkpoint to go on from");
  folder.cut_log({.scores = how.begun ? how.begun->batches : 0, .steps = 0, .evaluated = -1});
  if (how.known) {
    folder.log({{"kind", "scores"},
                {"batches", how.known->batches},
                {"seconds", how.known->seconds},
                {"peak_mb", how.known->peak_mb}});
    note(engine::say("chosen by the known scores of", how.known->batches, "batches"));
  }
  training::score_and_select(run, options.config, events, how);
  for (const peft::Snapshot& s : run.method->snapshots()) {
    folder.log({{"kind", "choice"}, {"batch", s.batches - 1}, {"overlap", s.overlap}, {"held", s.captured}});
  }
  if (run.method->choices().empty()) return;
  training::write_selection(folder.file(kSelection), run, options.config);
  folder.show_selection(kSelection);
}

/// Where the time of a run went, in seconds. The rest is loading, and what little is between.
ordered_json phases_json() {
  constexpr std::pair<const char*, Phase> kParts[] = {
      {"score", Phase::score},   {"step", Phase::step}, {"evaluate", Phase::evaluate},
      {"prefix", Phase::prefix}, {"data", Phase::data}, {"save", Phase::save}};
  ordered_json seconds;
  for (const auto& [name, phase] : kParts) seconds[name] = engine::phase_seconds(phase);
  return seconds;
}

/// The last evaluation of every split that was not trained on.
ordered_json evaluate_splits(training::Run& run, const TuneOptions& options, training::RunFolder& folder,
                             Index epoch, const training::KnownActivations& known,
                             const training::Events& events) {
  ordered_json results;
  const std::vector<Index> map =
      training::match_classes(run.splits.classes, run.loaded.classes, run.loaded.model.config().classes);
  for (const std::string split : {"val", "test"}) {
    const bool there = split == "val" ? run.splits.val && options.config.on == "train"
                                      : run.splits.test && !options.config.no_test;
    if (!there) continue;
    const training::EvaluateOptions how{options.config.batch_size, static_cast<int>(options.config.workers),
                                        split, split == "val" ? known.val : known.test};
    training::Evaluator evaluator(run.splits.classes, map, run.loaded.model.config().classes);
    training::Evaluation e =
        training::evaluate_split(run.loaded.model, training::find_split(run.splits, split),
                                 run.loaded.preprocessing, evaluator, map, how, events);
    folder.write_json("judged.json",
                      training::mistakes_json(split, evaluator.mistakes(), run.loaded.classes));
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

/// A run that had come to its end keeps what it has cost.
void keep_cost(ordered_json& result, const ordered_json& before) {
  for (const char* field : {"resumed", "seconds", "phases", "peak_mb"})
    if (before.contains(field)) result[field] = before[field];
}

/// What the run has cost so far, this part of it and what came before a pause.
training::RunCost cost_so_far(const engine::Stopwatch& watch, const std::optional<training::Checkpoint>& from,
                              const std::optional<training::Pause>& pause) {
  const training::RunCost part{from.has_value(), watch.seconds(), training::peak_mb(), phases_json()};
  return pause && from ? training::cost_of_both(*pause, from->state().step, part) : part;
}

/// The step at which the run is to pause.
Index pause_step(const training::Run& run, const TuneOptions& options) {
  if (options.pause_after_epoch == 0) return training::Trainer::kNoPause;
  return options.pause_after_epoch * options.config.epoch_steps(run.images->size()).count();
}

/// What the run will need, which is noted; refuses one that needs more than there is.
training::MemoryEstimate estimate_memory(training::Run& run, const TuneOptions& options) {
  const training::MemoryEstimate estimate = training::estimate_memory(run, options.config);
  engine::release_free_buffers();
  const std::size_t free = training::free_memory();
  note("memory: " + estimate.text());
  if (!options.no_memory_check) training::check_memory(estimate, free);
  return estimate;
}

/// What config.json in the folder of a run that is to be resumed says of its identity; nothing where there is
/// none, as of a run that was killed before it was written.
std::optional<ordered_json> recorded(const TuneOptions& options) {
  const std::filesystem::path file = std::filesystem::path(options.out) / "config.json";
  if (!options.resume || !std::filesystem::exists(file)) return std::nullopt;
  return training::recorded_identity(engine::read_json(file, training::kMaxResultValues));
}

/// A run that is resumed goes on with the instruction set that it was begun with.
void take_instruction_set(TuneOptions& options, const std::optional<ordered_json>& before) {
  if (!before || !options.config.instruction_set.empty()) return;
  const auto set = training::field<std::string>(*before, "instruction_set");
  if (!set) return;
  if (!engine::kernels::use_simd(*set))
    throw training::UsageError(options.out + ": the run was begun with the instruction set " + *set +
                               ", which this processor does not have, so that its bits would change; go on "
                               "where it is, or start over with --overwrite");
  options.config.instruction_set = *set;
}

/// Refuses to go on with a run that differs in what changes a bit, naming each difference. More epochs or
/// steps are taken where they lead to the bits of a run that had them from the start.
void check_same_run(training::Run& run, const TuneOptions& options, const ordered_json& before,
                    training::RunIdentity& identity) {
  std::vector<std::string> reasons;
  bool longer = false;
  for (const auto& d : identity.differences(before)) {
    const bool length = d.field == "epochs" || d.field == "steps";
    const std::string why = length ? training::why_not_longer(run, options.config, before) : "";
    if (!length || !why.empty()) reasons.push_back(d.text + (why.empty() ? "" : " (" + why + ")"));
    longer = longer || length;
  }
  const auto changed = training::changed_images(
      run, options.config,
      training::read_image_stamps(std::filesystem::path(options.out) / training::kImagesFile));
  if (!changed.empty()) reasons.push_back(training::describe_changed(changed));
  if (!reasons.empty()) training::refuse_run(options.out, reasons);
  if (longer) identity.let_differ({"epochs", "steps"});
}

/// Trains to the end or the pause; the error of a run that diverges names the file of its last good state.
void train(training::Trainer& trainer, const training::RunFolder& folder, Index pause_at) {
  try {
    trainer.train(pause_at);
  } catch (const training::Diverged& e) {
    folder.write_json(training::kDivergedFile, {{"diverged", e.what()}});
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

/// Leaves what a run needs to be known as paused.
void pause(training::RunFolder& folder, const training::Pause& pause, const training::Run& run,
           const TuneOptions& options) {
  folder.sync_log();
  folder.add_images(run.contents->new_lines());
  const ordered_json paused = pause.to_json();
  folder.write_json(training::kPausedFile, paused);
  if (options.json)
    print_json(paused);
  else
    std::cout << "paused after epoch " << pause.epoch << " (" << pause.steps << " steps, "
              << engine::fixed(pause.cost.seconds, 1) << " s); --resume goes on\n"
              << "run folder: " << folder.path().string() << '\n';
}

}  // namespace

void run_tune(Arguments arguments) {
  std::optional<TuneOptions> parsed = parse_tune(arguments);
  if (!parsed) return;
  TuneOptions& options = *parsed;
  note_signals();
  check_paths(options);

  const engine::Stopwatch watch;
  const std::optional<ordered_json> before = recorded(options);
  take_instruction_set(options, before);
  const std::filesystem::path cut_file = std::filesystem::path(options.out) / training::kCutFile;
  training::TrainConfig config = options.config;
  if (options.resume && std::filesystem::exists(cut_file)) config.data.cut_file = cut_file.string();
  std::vector<std::string> splits{"train", "val"};
  if (!options.config.no_test) splits.emplace_back("test");
  Follower follower;
  training::Events events = follower.events();
  training::Run run = training::open_run(config, splits, events);
  const training::MemoryEstimate estimate = estimate_memory(run, options);
  training::RunIdentity identity = training::identity_of(run, options.config);
  if (before) check_same_run(run, options, *before, identity);
  training::ScoringOptions scoring;
  if (!before) scoring = scoring_options(run, options, events);  // refused before anything is written
  if (options.checks.dry_run) return print_plan(run, options);

  if (options.out.empty())
    options.out = training::RunFolder::take_fresh_path(options.config.data.name(), options.config.method);
  training::RunFolder folder(options.out, existing_runs(options), events);
  if (options.tensorboard || folder.is_in_tensorboard()) folder.show_in_tensorboard();
  training::record_run(events, folder, identity.text(), run.contents);
  const Index pause_at = pause_step(run, options);
  const std::optional<training::Pause> paused = training::Pause::in(folder.path());
  const std::optional<training::Checkpoint> checkpoint =
      options.resume ? training::Checkpoint::newest(folder, identity, events) : std::nullopt;
  write_config(folder, run, options, identity);
  folder.remove(training::kDivergedFile);
  if (run.cut) engine::write_file(folder.file(training::kCutFile), run.cut->csv);
  if (options.config.data.on_bad_image == "skip")
    engine::write_file(folder.file("skipped.jsonl"), training::skipped_lines(run.splits.skipped));
  training::PrefixCacheOptions kept = options.prefix_cache();
  kept.spare = folder.path();
  training::PrefixCache cache(run, options.config, kept, estimate.total() - estimate.weights, events);
  if (checkpoint) {
    const training::RunState& state = checkpoint->state();
    folder.cut_log(
        {.scores = std::numeric_limits<Index>::max(),
         .steps = state.step,
         .evaluated = state.step == pause_at ? state.step - 1 : state.evaluated});  // it is evaluated again
    folder.show_selection(kSelection);
    checkpoint->restore(run.loaded.model, *run.method);
    note(engine::say("resuming after step", state.step));
  } else {
    folder.remove(training::kPausedFile);
    if (before) scoring = scoring_options(run, options, events);
    scoring.activations = [&cache] { return cache.scored_on(); };
    select(run, options, folder, identity, std::move(scoring), events);
    engine::release_free_buffers();  // of sizes that scoring needed and training does not
  }
  const training::KnownActivations known = cache.known(checkpoint ? checkpoint->state().step : 0);
  training::Trainer trainer(run, options.config, events, known);
  if (checkpoint)
    trainer.resume(*checkpoint);
  else
    trainer.save();
  folder.remove(training::kPartialScoresFile);
  const auto result_file = folder.file("result.json");
  const std::optional<ordered_json> finished =
      trainer.is_finished() && std::filesystem::exists(result_file)
          ? std::optional(engine::read_json(result_file, training::kMaxResultValues))
          : std::nullopt;
  train(trainer, folder, pause_at);
  if (!trainer.is_finished()) {
    const Index epoch = trainer.step() / options.config.epoch_steps(run.images->size()).count();
    return pause(folder, {epoch, trainer.step(), cost_so_far(watch, checkpoint, paused)}, run, options);
  }

  const auto delta = folder.file("delta.safetensors");
  training::write_delta(delta, run, options.config);
  const peft::Account account = peft::account(run.loaded.model);
  ordered_json result = evaluate_splits(run, options, folder, trainer.last_epoch(), known, events);
  run.notes->note(events);
  result["trainable"] = account.trainable;
  result["total"] = account.total;
  const training::RunCost cost = cost_so_far(watch, checkpoint, paused);
  result["resumed"] = cost.resumed;
  result["seconds"] = cost.seconds;
  result["phases"] = cost.phases;
  result["prefix_cache"] = cache.json();
  result["skipped"] = run.splits.skipped.size();
  result["peak_mb"] = cost.peak_mb;
  if (finished) keep_cost(result, *finished);
  result["delta_bytes"] = std::filesystem::file_size(delta);
  folder.sync_log();
  folder.add_images(run.contents->new_lines());
  folder.write_json("result.json", result);
  cache.remove_spare();
  folder.remove(training::kPausedFile);
  experiments::write_run_report(folder.path(),
                                {.result = &result,
                                 .evaluated = result.contains("test") ? run.splits.test : run.splits.val,
                                 .note = note});
  if (options.json)
    print_json(result);
  else
    print(result, folder);
}

}  // namespace cli
