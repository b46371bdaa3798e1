#pragma once

#include "engine/nn/state.h"

namespace engine {

/// The exponential moving average of the numbers that train: average = decay average + (1 - decay) w after
/// every step. Frozen numbers equal their average, so only the packed part is kept.
class Ema {
 public:
  /// Starts from the present values.
  Ema(const std::vector<NamedParameter>& all, double decay);
  void update();
  /// Exchanges the model's numbers with the averages; calling it twice restores both.
  void swap();

  State state() const;
  void load_state(const State& state);

 private:
  struct Slot {
    NamedParameter p;
    Tensor average;
  };
  double decay_;
  std::vector<Slot> slots_;
};

}  // namespace engine
