#pragma once

#include <filesystem>
#include <optional>

#include "tools/training/run.h"

namespace training {

// Scores of an earlier scoring in place of a scoring: the sums over all batches, in a file that says what
// they hang on. That is all but what is chosen by them and how it is trained: not the method, its k or its
// rate.

/// What identifies the scores that the run would make from so many batches. Which parameters are scored is no
/// part of it: sums of more than are asked for serve, too.
RunIdentity scores_identity(Run& run, const TrainConfig& config, Index batches);

/// Why no file of scores can stand for the scoring of the run; empty where one can.
std::string why_no_known_scores(const peft::Method& method, const std::string& name);

/// Writes them, whole or not at all.
void write_scores(const std::filesystem::path& path, Run& run, const TrainConfig& config,
                  const WholeScores& scores);

/// Reads them for the run. Throws a UsageError that names each difference when they are not what the run
/// would make, or the file has no record of how they were made; an Error when it is damaged or lacks a
/// parameter.
WholeScores read_scores(const std::filesystem::path& path, Run& run, const TrainConfig& config);

/// Where a folder keeps the scores of the run: the same file for all that would make the same ones.
std::filesystem::path kept_scores(const std::filesystem::path& folder, Run& run, const TrainConfig& config);

/// Gives `how` the scores at `path`. A path that ends in "/", or a folder, keeps scores: what it has of this
/// run is taken; otherwise, or where that is damaged or of other images, with a note, the scoring leaves them
/// there. Any other path must be a file that read_scores() takes.
void use_known_scores(const std::filesystem::path& path, Run& run, const TrainConfig& config,
                      const Events& events, ScoringOptions& how);

}  // namespace training
