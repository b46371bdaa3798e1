#include "tools/training/run_cost.h"

#include <algorithm>

#include "engine/io/json.h"
#include "tools/training/json_field.h"
#include "tools/training/run_folder.h"

namespace training {

using nlohmann::ordered_json;

ordered_json Pause::to_json() const {
  return {{"paused_after_epoch", epoch}, {"steps", steps},        {"resumed", cost.resumed},
          {"seconds", cost.seconds},     {"phases", cost.phases}, {"peak_mb", cost.peak_mb}};
}

std::optional<Pause> Pause::in(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / kPausedFile)) return std::nullopt;
  try {
    const ordered_json read = engine::read_json(folder / kPausedFile);
    Pause pause{needed_field<Index>(read, "paused_after_epoch"), needed_field<Index>(read, "steps")};
    pause.cost = {needed_field<bool>(read, "resumed"), needed_field<double>(read, "seconds"),
                  needed_field<double>(read, "peak_mb")};
    const ordered_json phases = read.value("phases", ordered_json());
    engine::check(phases.is_object(), "phases should be an object");
    for (const auto& [name, seconds] : phases.items())
      pause.cost.phases[name] = needed_field<double>(phases, name);
    return pause;
  } catch (const engine::Error&) {
    return std::nullopt;
  }
}

RunCost cost_of_both(const Pause& pause, Index begun, RunCost part) {
  part.resumed = pause.cost.resumed || begun != pause.steps;
  part.seconds += pause.cost.seconds;
  part.peak_mb = std::max(part.peak_mb, pause.cost.peak_mb);
  for (auto& [name, seconds] : part.phases.items())
    seconds = seconds.get<double>() + pause.cost.phases.value(name, 0.0);
  return part;
}

}  // namespace training
