#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "engine/base/check.h"
#include "engine/io/json.h"

namespace experiments {

using engine::Index;

/// search: trained on train and evaluated on val, to choose a learning rate. final: trained on train and val
/// with that rate, tested once.
enum class Stage { search, final };
std::string name_of(Stage stage);

/// One run of a comparison, with the places of its task and its method.
struct PlannedRun {
  std::size_t task = 0, method = 0;
  std::optional<double> lr;  ///< nothing: what the search finds best
  Index seed = 0;
  Stage stage = Stage::final;

  friend bool operator==(const PlannedRun&, const PlannedRun&) = default;
};

/// All runs in an order that gives results early: with seed 0 every method on the first task, each
/// searching first where it has several rates, then on the next tasks, then the further seeds. `lrs` are
/// those of every method.
std::vector<PlannedRun> plan_runs(std::size_t tasks, const std::vector<std::vector<double>>& lrs,
                                  Index seeds);

/// The results of a run.
struct RunRecord {
  std::string task = {}, method = {};
  double lr = 0;
  Index seed = 0;
  Stage stage = Stage::final;
  double top1 = 0, loss = 0, ece = 0;  ///< on val in a search, else on test; ece only on test
  Index trainable = 0, total = 0, delta_bytes = 0;
  double seconds = 0, seconds_per_epoch = 0, score_seconds = 0, peak_mb = 0;
  /// It was stopped and resumed: seconds, score_seconds and peak_mb are then those of its last part. Of a run
  /// that was paused they are those of all parts.
  bool resumed = false;
  /// The epochs after which a search by halving stopped it, 0 when it came to its end. Its results are those
  /// of val at that time, and it has no trainable, total and delta_bytes.
  Index stopped_after = 0;
  /// A loss, a gradient or a weight was not finite: the worst of all results, and it has no figures.
  bool diverged = false;
  /// It trained on stored features. Its cost is without computing them, except for the seconds and peak_mb of
  /// the first such run of a task.
  bool knew_features = false;
  /// It scored images; or it chose by scores that an earlier run had made. Its score_seconds have what these
  /// took and its peak_mb is no lower than theirs, but its seconds are without them.
  bool scored = false, knew_scores = false;
};

/// What orders the runs of a search, the lowest being the best: top-1, then the lower loss, then the lower
/// rate.
inline std::tuple<double, double, double> search_order(double top1, double loss, double lr) {
  return {-top1, loss, lr};
}

/// The learning rate of the best search that came to its end, by search_order(). Nothing when there is none
/// that has not diverged.
std::optional<double> choose_rate(const std::vector<RunRecord>& searches);

/// compare.json: `head` has settings, methods (each with its label) and tasks (each with its name); behind
/// them come how many runs scored (`scorings`), the runs, the table with a row for every method that was
/// tested, and the pairs of these.
engine::Json comparison_json(engine::Json head, const std::vector<RunRecord>& runs);

/// A label or the name of a task as the name of a folder: characters that a file name may not have
/// everywhere become %XX, so that different labels stay different.
std::string folder_name(const std::string& label);

/// Where the run of this rate is, below the comparison's folder.
std::filesystem::path run_path(const std::string& task, const std::string& label, double lr, Index seed,
                               Stage stage);

}  // namespace experiments
