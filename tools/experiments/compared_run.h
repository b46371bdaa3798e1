#pragma once

#include "tools/experiments/comparison.h"
#include "tools/experiments/halving.h"
#include "tools/training/epoch_steps.h"
#include "tools/training/identity.h"

namespace experiments {

/// How what config.json in `folder` has recorded differs from `identity`, one text for each field. Nothing
/// where there is no config.json, so that nothing is known.
std::optional<std::vector<std::string>> differences(const std::filesystem::path& folder,
                                                    const training::RunIdentity& identity);
/// True where there are none.
bool is_run_of(const std::filesystem::path& folder, const training::RunIdentity& identity);

/// Mean seconds of a batch of a run, from its log; 0 when the log has no step.
double seconds_per_batch(const std::filesystem::path& log, Index batch_size,
                         const training::EpochSteps& epoch);

/// The record of the run in `folder`: `run`, completed from its result.json and metrics.jsonl. Nothing unless
/// it is a finished run of `identity`, or one that has diverged.
std::optional<RunRecord> read_run(const std::filesystem::path& folder, const training::RunIdentity& identity,
                                  RunRecord run);

/// How far the run in `folder` has come, which is one of the learning rate `lr`: what val gave after its
/// epochs, and where it was paused last.
Contender read_contender(const std::filesystem::path& folder, double lr);

/// The record of a paused run: `run`, completed with what val gave after `epochs` and what it has cost.
/// Nothing where there is none of `identity`.
std::optional<RunRecord> read_stopped(const std::filesystem::path& folder,
                                      const training::RunIdentity& identity, RunRecord run, Index epochs);

/// Removes the checkpoints of a finished run, which are no longer needed.
void remove_checkpoints(const std::filesystem::path& folder);

}  // namespace experiments
