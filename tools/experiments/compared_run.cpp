#include "tools/experiments/compared_run.h"

#include <algorithm>

#include "engine/io/folder.h"
#include "engine/io/json.h"
#include "engine/io/lines.h"
#include "tools/training/evaluate.h"
#include "tools/training/identity.h"
#include "tools/training/json_field.h"
#include "tools/training/run_cost.h"
#include "tools/training/run_folder.h"

namespace experiments {

namespace fs = std::filesystem;
using engine::Json;

std::optional<std::vector<std::string>> differences(const fs::path& folder,
                                                    const training::RunIdentity& identity) {
  if (!fs::exists(folder / "config.json")) return std::nullopt;
  std::vector<std::string> all;
  try {
    for (const auto& d : identity.differences(training::recorded_identity(
             engine::read_json(folder / "config.json", training::kMaxResultValues))))
      all.push_back(d.text);
  } catch (const engine::Error& e) {
    all.emplace_back(e.what());
  }
  return all;
}

bool is_run_of(const fs::path& folder, const training::RunIdentity& identity) {
  const auto found = differences(folder, identity);
  return found && found->empty();
}

double seconds_per_batch(const fs::path& log, Index batch_size, const training::EpochSteps& epoch) {
  constexpr std::size_t kLongest = 1 << 20;
  double seconds = 0;
  Index batches = 0;
  engine::for_each_line(log, kLongest, [&](std::string_view text) {
    if (text.find("\"images_per_s\"") == std::string_view::npos) return;
    const Json line = engine::parse_json(text, log.string());
    const auto rate = training::needed_field<double>(line, "images_per_s");
    const auto step = training::needed_field<Index>(line, "step");
    engine::check(rate > 0, log.string() + ": images_per_s should be above 0, not", rate);
    engine::check(step >= 0, log.string() + ": step should be 0 or above, not", step);
    seconds += static_cast<double>(epoch.batches_of(step) * batch_size) / rate;
    batches += epoch.batches_of(step);
  });
  return batches > 0 ? seconds / static_cast<double>(batches) : 0;
}

namespace {

/// True when a run took activations of its images from a folder that others share.
bool shared_activations(const Json& result) {
  const Json cache = result.value("prefix_cache", Json());
  return cache.is_object() && training::field<bool>(cache, "shared").value_or(false);
}

/// What config.json and the log say of a run's cost.
void read_speed(const fs::path& folder, const training::RunIdentity& identity, RunRecord& run) {
  const Json config = training::with_present_names(engine::read_json(folder / "config.json"));
  run.knew_features = !training::needed_field<std::string>(config, "features").empty();
  const Index batch = training::needed_field<Index>(identity.fields(), "batch_size"),
              accum = training::needed_field<Index>(identity.fields(), "grad_accum"),
              images = training::needed_field<Index>(config, "images");
  const training::EpochSteps epoch(images / batch, accum);
  run.seconds_per_epoch =
      seconds_per_batch(folder / "metrics.jsonl", batch, epoch) * static_cast<double>(epoch.batches());
}

/// The evaluation on val that a line of a log tells of, with its epoch; nothing for other lines.
std::optional<std::pair<Index, ValResult>> read_evaluation(std::string_view text) {
  if (text.find("\"eval\"") == std::string_view::npos) return std::nullopt;
  try {
    const Json line = engine::parse_json(text, "a line");
    if (training::needed_field<std::string>(line, "split") != "val") return std::nullopt;
    return std::pair(training::needed_field<Index>(line, "epoch"),
                     ValResult{training::needed_field<double>(line, "top1"),
                               training::needed_field<double>(line, "loss")});
  } catch (const engine::Error&) {  // a crash may leave half a line
    return std::nullopt;
  }
}

/// Adds to a run what its log says of its scores.
void add_scores(const fs::path& log, RunRecord& run) {
  constexpr std::size_t kLongest = 1 << 20;
  engine::for_each_line(log, kLongest, [&](std::string_view text) {
    if (text.find("\"score") == std::string_view::npos || run.scored) return;
    const Json line = engine::parse_json(text, log.string());
    const auto kind = training::needed_field<std::string>(line, "kind");
    run.scored = kind == "score";
    if (kind != "scores") return;
    run.knew_scores = true;
    run.score_seconds += training::needed_field<double>(line, "seconds");
    run.peak_mb = std::max(run.peak_mb, training::needed_field<double>(line, "peak_mb"));
  });
}

}  // namespace

Contender read_contender(const fs::path& folder, double lr) {
  constexpr std::size_t kLongest = 1 << 20;
  Contender contender{.lr = lr};
  if (const auto pause = training::Pause::in(folder)) contender.paused_after = pause->epoch;
  if (!fs::exists(folder / "metrics.jsonl")) return contender;
  engine::for_each_line(folder / "metrics.jsonl", kLongest, [&](std::string_view text) {
    if (const auto found = read_evaluation(text)) contender.after[found->first + 1] = found->second;
  });
  return contender;
}

std::optional<RunRecord> read_stopped(const fs::path& folder, const training::RunIdentity& identity,
                                      RunRecord run, Index epochs) {
  if (!is_run_of(folder, identity)) return std::nullopt;
  try {
    const Contender contender = read_contender(folder, run.lr);
    const auto pause = training::Pause::in(folder);
    const auto result = contender.after.find(epochs);
    if (!pause || result == contender.after.end()) return std::nullopt;
    run.stopped_after = epochs;
    run.top1 = result->second.top1, run.loss = result->second.loss;
    run.seconds = pause->cost.seconds, run.peak_mb = pause->cost.peak_mb, run.resumed = pause->cost.resumed;
    run.score_seconds = training::needed_field<double>(pause->cost.phases, "score");
    add_scores(folder / "metrics.jsonl", run);
    read_speed(folder, identity, run);
    return run;
  } catch (const engine::Error&) {  // a damaged file
    return std::nullopt;
  }
}

std::optional<RunRecord> read_run(const fs::path& folder, const training::RunIdentity& identity,
                                  RunRecord run) {
  if (!is_run_of(folder, identity)) return std::nullopt;
  try {
    if (fs::exists(folder / training::kDivergedFile)) {
      run.diverged = true;
      add_scores(folder / "metrics.jsonl", run);
      return run;
    }
    const Json result = engine::read_json(folder / "result.json", training::kMaxResultValues);
    const char* split = run.stage == Stage::search ? "val" : "test";
    engine::check(result.is_object() && result.contains(split), "there is no", split);
    run.top1 = training::needed_field<double>(result[split], "top1");
    run.loss = training::needed_field<double>(result[split], "loss");
    run.ece = training::needed_field<double>(result[split], "ece");
    run.trainable = training::needed_field<Index>(result, "trainable");
    run.total = training::needed_field<Index>(result, "total");
    engine::check(run.total > 0, "total should be above 0");
    run.delta_bytes = training::needed_field<Index>(result, "delta_bytes");
    run.seconds = training::needed_field<double>(result, "seconds");
    run.score_seconds = training::needed_field<double>(result.value("phases", Json()), "score");
    run.peak_mb = training::needed_field<double>(result, "peak_mb");
    add_scores(folder / "metrics.jsonl", run);
    run.resumed = training::needed_field<bool>(result, "resumed");
    read_speed(folder, identity, run);
    run.knew_features = run.knew_features || shared_activations(result);
    return run;
  } catch (const engine::Error&) {  // no result yet, or a damaged one
    return std::nullopt;
  }
}

void remove_checkpoints(const fs::path& folder) {
  for (const char* name : {"checkpoint.previous.safetensors", "checkpoint.safetensors"})
    if (fs::exists(folder / name)) engine::remove_file(folder / name);
}

}  // namespace experiments
