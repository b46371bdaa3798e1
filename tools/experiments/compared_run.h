#pragma once

#include "tools/experiments/comparison.h"

namespace experiments {

/// True when the run in `folder` was started with what `identity` says, as its config.json tells. A folder
/// without one that can be read holds no such run.
bool is_run_of(const std::filesystem::path& folder, const engine::Json& identity);

/// How long a step of a run took, from its log, in the mean; 0 when the log tells of none.
double seconds_per_step(const std::filesystem::path& log, Index images_per_step);

/// What the run in `folder` has shown: `run` says which one it is and is completed from result.json and
/// metrics.jsonl. Nothing unless it is a run of `identity` that was finished.
std::optional<RunRecord> read_run(const std::filesystem::path& folder, const engine::Json& identity,
                                  RunRecord run);

/// Removes the checkpoints of a finished run: nothing is to be gone on with.
void remove_checkpoints(const std::filesystem::path& folder);

}  // namespace experiments
