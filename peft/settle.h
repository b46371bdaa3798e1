#pragma once

#include "peft/score.h"
#include "peft/units.h"

namespace peft {

/// What is ranked of a target whose gradient has been summed up so far.
using Ranking = std::function<engine::Tensor(const engine::NamedParameter&)>;

/// The same losses, but no more of them than the choice needs to settle. After 10, 20, 40, ... batches the
/// units that would be chosen now are compared with those that would have been after half as many: what the
/// earlier choice misses of the squares that this one holds, in all targets together. The mean over twice
/// as many batches has half the variance, and what a choice loses by noise goes with the variance: so this
/// choice is taken to miss half as much. When that is 5 % or less, there are no more losses. At the end
/// `looks` tells what 1, 2, 3, 5, 7, 10, 14, 20, 28, ... batches would have chosen; until then their places
/// are kept.
NextLoss until_settled(NextLoss losses, std::vector<engine::NamedParameter> targets, const Units& units,
                       Ranking ranking, std::vector<Look>& looks);

}  // namespace peft
