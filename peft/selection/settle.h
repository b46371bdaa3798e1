#pragma once

#include "peft/selection/score.h"
#include "peft/selection/units.h"

namespace peft {

/// What is ranked of a target whose gradient has been summed up so far.
using Ranking = std::function<engine::Tensor(const engine::NamedParameter&)>;

/// The same losses, but no more of them than the choice needs to settle. After n = 9, 18, 36, ... batches the
/// units that would be chosen now are compared with those after k = n / 2, rounded down: which share of the
/// squares that this choice holds does the earlier one miss, in all targets together? What a choice misses
/// because of noise goes with the variance: 1/n for the mean over n batches, 1/k - 1/n for the mean over k of
/// them as an estimate of it. So of the squares that endless batches would choose, this choice is taken to
/// miss k / (n - k) times that share. When that is 5 % or less, there are no more losses. At the end `looks`
/// tells what 1, 2, 3, 4, 6, 9, 13, 18, 26, ... batches would have chosen; until then it is the indices of
/// those choices that are kept.
NextLoss until_settled(NextLoss losses, std::vector<engine::NamedParameter> targets, const Units& units,
                       Ranking ranking, std::vector<Look>& looks);

}  // namespace peft
