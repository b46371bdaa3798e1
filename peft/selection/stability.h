#pragma once

#include "peft/selection/score.h"
#include "peft/selection/units.h"

namespace peft {

/// The importance of a target's entries, by the gradient accumulated so far.
using Importance = std::function<engine::Tensor(const engine::NamedParameter&)>;

/// The same losses, but no more of them than the choice needs to be stable. After n = 9, 18, 36, ... batches
/// the units that would be chosen now are compared with those after k = n / 2, rounded down: which share of
/// the squares that this choice captures does the earlier one miss, in all targets together? What a choice
/// misses because of noise goes with the variance: 1/n for the mean over n batches, 1/k - 1/n for the mean
/// over k of them as an estimate of it. So of the squares that endless batches would choose, this choice is
/// taken to miss k / (n - k) times that share. When that is 5 % or less, there are no more losses. At the end
/// `snapshots` gets what 1, 2, 3, 4, 6, 9, 13, 18, 26, ... batches would have chosen; until then only the
/// indices of those choices are kept.
NextLoss until_stable(NextLoss losses, std::vector<engine::NamedParameter> targets, const Units& units,
                      Importance importance, std::vector<Snapshot>& snapshots);

}  // namespace peft
