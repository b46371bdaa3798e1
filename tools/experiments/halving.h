#pragma once

#include <map>
#include <optional>
#include <vector>

#include "engine/base/check.h"

namespace experiments {

using engine::Index;

/// What val gave in the middle of a run.
struct ValResult {
  double top1 = 0, loss = 0;
};

/// How far the run of a learning rate has come.
struct Contender {
  double lr = 0;
  std::map<Index, ValResult> after = {};  ///< so many epochs
  Index paused_after = 0;                 ///< epochs, when it was last paused; 0: never
  /// It is at its end; it has diverged; it has failed and is not tried again for now.
  bool finished = false, diverged = false, failed = false;
};

/// Where the runs of a search stand, and what is to be done next.
struct Halving {
  struct Next {
    std::size_t contender = 0;
    Index pause_after = 0;  ///< epochs; 0: it goes to its end
    friend bool operator==(const Next&, const Next&) = default;
  };
  std::vector<Index> stopped_after;  ///< as the contenders: the epochs after which it stopped; 0: it did not
  std::optional<Next> next;          ///< nothing when the search is over
};

/// The epochs after which a run of `epochs` is judged: a quarter and half of them, rounded up. A rung at the
/// end of the run would be none, and equal ones are one.
std::vector<Index> rungs_of(Index epochs);

/// Successive halving (Jamieson and Talwalkar 2016) in the order of search_order(): at every rung the worse
/// half of those that are still there stops, of an odd number the smaller; the worst are those that have
/// diverged. What was decided hangs on nothing but the contenders, so that
/// any process decides it again. A run that was made without the rungs (`finished`, or paused behind one,
/// without a result there) goes on and takes nobody's place; one that failed before a rung is not among those
/// judged there. Where one alone is left, no rung is waited for.
Halving halve(const std::vector<Contender>& contenders, const std::vector<Index>& rungs);

}  // namespace experiments
