#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tools/training/event_file.h"

namespace training {

/// What the log of a run, metrics.jsonl, says, as TensorBoard shows it: a curve for every number of a kind of
/// lines, such as train/loss, val/top1 or score/loss, over the steps or batches that the lines name, and what
/// was selected in each block as histograms of its scores.
class TensorBoardLog {
 public:
  /// Goes on in a new event file beside those in the folder.
  explicit TensorBoardLog(const std::filesystem::path& folder, EventFile::Clock clock = EventFile::now);

  /// The run goes on after so many steps, and `log` has the lines that count until then. What was shown of
  /// that step and later ones is dropped, and lines of `log` with such a step are shown again; all of them,
  /// where these are the first events of the folder.
  void restart(Index steps, const std::vector<nlohmann::ordered_json>& log);
  void line(const nlohmann::ordered_json& line);
  /// The scores in a selection file, by blocks, unless events before the restart had them.
  void selection(const std::filesystem::path& file);
  void sync() { file_.sync(); }

 private:
  bool first_;  ///< there are no earlier events
  EventFile file_;
  Index begun_ = 0, steps_ = 0;  ///< the step of the restart; steps that are done
};

}  // namespace training
