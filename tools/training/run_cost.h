#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/training/events.h"

namespace training {

/// What a run has cost, as its result.json has it.
struct RunCost {
  /// It was stopped and resumed, and what it had done by then is not among the figures.
  bool resumed = false;
  double seconds = 0, peak_mb = 0;
  nlohmann::ordered_json phases = nlohmann::ordered_json::object();  ///< seconds by name
};

/// paused.json: how far a run had come when it was paused, and what that had cost. It goes when the run has
/// come to its end.
struct Pause {
  Index epoch = 0, steps = 0;  ///< that are done
  RunCost cost = {};

  nlohmann::ordered_json to_json() const;
  /// Of the run in a folder; nothing where it was not paused, or the file is damaged.
  static std::optional<Pause> in(const std::filesystem::path& folder);
};

/// What a run has cost when its part behind a pause, which began after `begun` steps, has cost `part`.
RunCost cost_of_both(const Pause& pause, Index begun, RunCost part);

}  // namespace training
