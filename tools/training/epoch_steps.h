#pragma once

#include <algorithm>

#include "engine/base/check.h"
#include "engine/base/div_up.h"
#include "engine/tensor/shape.h"

namespace training {

using engine::Index;

/// How the batches of an epoch make steps: `accumulated` batches to each, what is left over to the last one
/// (timm, train.py: last_accum_steps). A step is counted from the start of the run; every epoch has the same.
class EpochSteps {
 public:
  /// Of one batch or more; more accumulated ones than that are the whole epoch.
  EpochSteps(Index batches, Index accumulated) : batches_(batches), most_(std::min(batches, accumulated)) {
    engine::check(most_ > 0, "an epoch of", batches, "batches and steps of", accumulated, "has no step");
    steps_ = engine::div_up(batches_, most_);
  }

  Index count() const { return steps_; }
  Index batches() const { return batches_; }
  /// The most batches that a step has.
  Index most() const { return most_; }
  Index epoch_of(Index step) const { return step / steps_; }
  /// The first batch of a step in its epoch, and how many it has.
  Index first_batch(Index step) const { return step % steps_ * most_; }
  Index batches_of(Index step) const { return std::min(most_, batches_ - first_batch(step)); }

 private:
  Index batches_, most_, steps_ = 0;
};

}  // namespace training
