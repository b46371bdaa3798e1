#pragma once

#include <optional>

#include "data/loader.h"
#include "engine/base/phase.h"

namespace training {

/// The loader's next batch; the wait for it counts as Phase::data.
inline std::optional<data::Batch> next_batch(data::Loader& loader) {
  const engine::PhaseTimer timer(engine::Phase::data);
  return loader.next();
}

}  // namespace training
