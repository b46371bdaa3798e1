#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/nn/state.h"

namespace training {

using engine::Index;

struct Evaluation;
struct TrainingState;

/// The loss of a scoring batch.
struct ScoreEvent {
  Index batch = 0;  ///< from 0
  double loss = 0;
};

/// Scores that are worth keeping: gradients summed over the first batches.
struct PartialScoresEvent {
  Index batches = 0;
  const std::vector<engine::NamedParameter>& parameters;  ///< with the sums as their gradients
};

/// A step of the training.
struct StepEvent {
  Index step = 0, steps = 0, epoch = 0;  ///< this one, from 0; of the whole run; its epoch, from 0
  double loss = 0, penalty = 0;
  double lr = 0, images_per_s = 0;
};

/// An evaluation during training.
struct EvalEvent {
  Index epoch = 0, step = 0;  ///< epoch from 0; steps that are done
  std::string split;
  const Evaluation& result;
};

/// How far one part of the work has come. The first event of a part has done = 0.
struct ProgressEvent {
  std::string part;                     ///< "score", "tune", "check train", ...
  Index done = 0, total = 0, size = 0;  ///< units of `size` images each; a scoring may end before its total
  std::string detail = {};              ///< "loss 0.4120"
};

/// What a caller follows a run by, and ends it with. Every member may be set; by default nothing is done. All
/// are called from the thread that does the work.
struct Events {
  std::function<void(const ScoreEvent&)> on_score = [](const ScoreEvent&) {};
  std::function<void(const PartialScoresEvent&)> on_partial_scores = [](const PartialScoresEvent&) {};
  std::function<void(const StepEvent&)> on_step = [](const StepEvent&) {};
  std::function<void(const EvalEvent&)> on_eval = [](const EvalEvent&) {};
  /// The state is worth keeping: write_checkpoint() does.
  std::function<void(const TrainingState&)> on_checkpoint = [](const TrainingState&) {};
  std::function<void(const ProgressEvent&)> on_progress = [](const ProgressEvent&) {};
  /// A line for the user, without its end.
  std::function<void(const std::string&)> on_note = [](const std::string&) {};
  /// Notes are errors: what would be noted at the end is an Error where it is found.
  bool strict = false;
  /// True once the work should stop. It does after the batch in hand, by throwing Stopped.
  std::function<bool()> stop = [] { return false; };
};

/// Has `more` called, too, whenever `hook` is.
template <class Event, class F>
void subscribe(std::function<void(const Event&)>& hook, F more) {
  hook = [before = std::move(hook), after = std::move(more)](const Event& event) {
    before(event);
    after(event);
  };
}

/// The work has stopped because Events::stop returned true.
struct Stopped : std::runtime_error {
  /// What was handed out to be kept: nothing; all that is needed to go on from there; or, in a scoring whose
  /// sums do not suffice, nothing, so that a scoring starts over.
  enum class Kept { nothing, state, no_scores };

  explicit Stopped(const std::string& place, Kept what = Kept::nothing)
      : std::runtime_error("stopped " + place), where(place), kept(what) {}
  std::string where;  ///< "after step 7"
  Kept kept;
};

/// Throws a Stopped when the work should stop.
void check_stop(const Events& events, const std::string& where);

/// Reports the progress of one part of the work.
class ProgressReport {
 public:
  /// `total` units of `size` images each.
  ProgressReport(const Events& events, std::string part, Index total, Index size);
  /// One more unit is done.
  void advance(const std::string& detail = "");

 private:
  const Events& events_;
  ProgressEvent now_;
};

}  // namespace training
