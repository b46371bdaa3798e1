#pragma once

#include <string_view>

#include "engine/base/check.h"

namespace engine {

/// The learning rate at every step of a run.
struct Schedule {
  enum class Kind { constant, cosine, linear };

  Kind kind = Kind::constant;
  double lr = 0;      ///< the highest rate
  double min_lr = 0;  ///< where cosine and linear end
  Index warmup = 0;   ///< steps in which the rate grows evenly to `lr`
  Index steps = 0;    ///< of the whole run

  /// The rate of step `step`, counted from 0. Cosine: min + (lr - min) (1 + cos(pi t)) / 2 with t the share
  /// of the steps after warm-up that are done (Loshchilov and Hutter 2017).
  double at(Index step) const;
};

}  // namespace engine
