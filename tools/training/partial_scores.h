#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/training/events.h"
#include "tools/training/identity.h"

namespace training {

/// What scoring has summed up so far. Written now and then, so that a run that is killed while it scores need
/// not start over.
struct PartialScores {
  Index batches = 0;               ///< that are in the sums
  engine::NamedTensors gradients;  ///< of every scored parameter
};

/// Writes what `batches` batches have left in the gradients of `parameters`, whole or not at all.
void save_partial_scores(const std::filesystem::path& path, const std::string& config, Index batches,
                         const std::vector<engine::NamedParameter>& parameters);

/// Reads it back; nothing when there is none, or none that is whole: scoring then starts over, and a note
/// gives the reason. Throws a UsageError that names the differences when it is of another identity.
std::optional<PartialScores> read_partial_scores(const std::filesystem::path& path,
                                                 const RunIdentity& identity, const Events& events = {});

/// Gives the parameters the sums as gradients. Throws an Error naming the parameter when they do not fit what
/// is scored.
void restore_partial_scores(const PartialScores& scores,
                            const std::vector<engine::NamedParameter>& parameters);

}  // namespace training
