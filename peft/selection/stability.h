#pragma once

#include "peft/selection/score.h"
#include "peft/selection/units.h"

namespace peft {

/// The importance of a target's entries, by the gradient accumulated so far.
using Importance = std::function<engine::Tensor(const engine::NamedParameter&)>;

/// Finds out when the choice is stable. After n = 9, 18, 36, ... batches the units that would be chosen now
/// are compared with those after k = n / 2, rounded down: which share of the squares that this choice
/// captures does the earlier one miss, in all targets together? What a choice misses because of noise goes
/// with the variance: 1/n for the mean over n batches, 1/k - 1/n for the mean over k of them as an estimate
/// of it. So of the squares that endless batches would choose, this choice is taken to miss k / (n - k) times
/// that share. When that is 5 % or less, the choice is stable.
class StabilityCheck {
 public:
  StabilityCheck(const Units& units, Importance importance)
      : units_(units), importance_(std::move(importance)) {}

  /// To be called after every batch, with what was accumulated over the first `batches`. Takes a snapshot
  /// after 1, 2, 3, 4, 6, 9, 13, 18, 26, ... of them, of which only the indices of the choice are kept. True
  /// when the choice is stable: more batches, however many, would probably find little that it misses.
  bool after_batch(engine::Index batches, const std::vector<engine::NamedParameter>& targets);

  /// Every snapshot compared with the choice by what is accumulated now; none when that is not finite.
  std::vector<Snapshot> snapshots(const std::vector<engine::NamedParameter>& targets) const;

 private:
  /// What was chosen of every target by the first batches.
  struct Chosen {
    engine::Index batches = 0;
    std::vector<engine::Selection> units = {};
  };
  engine::Selection top(const engine::NamedParameter& target, const engine::Tensor& ranked) const;

  Units units_;
  Importance importance_;
  std::vector<Chosen> seen_;
  engine::Index due_ = 1;  ///< batches after which the next snapshot is taken
};

}  // namespace peft
