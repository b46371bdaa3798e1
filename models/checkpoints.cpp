#include "models/checkpoints.h"

#include <algorithm>

namespace models {

namespace {

constexpr PublishedCheckpoint kCheckpoints[] = {
#define CHECKPOINT(...) {__VA_ARGS__},
#include "models/checkpoints.def"
#undef CHECKPOINT
};

}  // namespace

std::span<const PublishedCheckpoint> published_checkpoints() {
  return kCheckpoints;
}

const PublishedCheckpoint* find_checkpoint(std::string_view tag) {
  const auto* const found = std::ranges::find(kCheckpoints, tag, &PublishedCheckpoint::tag);
  return found == std::end(kCheckpoints) ? nullptr : found;
}

std::vector<const PublishedCheckpoint*> checkpoints_of(std::string_view architecture) {
  std::vector<const PublishedCheckpoint*> found;
  for (const PublishedCheckpoint& checkpoint : kCheckpoints)
    if (architecture_of(checkpoint.tag) == architecture) found.push_back(&checkpoint);
  return found;
}

std::string_view architecture_of(std::string_view tag) {
  return tag.substr(0, tag.find('.'));
}

}  // namespace models
