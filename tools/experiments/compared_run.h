#pragma once

#include "tools/experiments/comparison.h"

namespace experiments {

/// True when config.json in `folder` has every field of `identity` with its value. A folder without a
/// readable one holds no such run.
bool is_run_of(const std::filesystem::path& folder, const engine::Json& identity);

/// Mean seconds of a step of a run, from its log; 0 when the log has no step.
double seconds_per_step(const std::filesystem::path& log, Index images_per_step);

/// The record of the run in `folder`: `run`, completed from its result.json and metrics.jsonl. Nothing unless
/// it is a finished run of `identity`.
std::optional<RunRecord> read_run(const std::filesystem::path& folder, const engine::Json& identity,
                                  RunRecord run);

/// Removes the checkpoints of a finished run, which are no longer needed.
void remove_checkpoints(const std::filesystem::path& folder);

}  // namespace experiments
