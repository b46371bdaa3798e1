#pragma once

#include "engine/nn/state.h"

namespace engine {

/// The exponential moving average of the values that train: average = decay average + (1 - decay) w after
/// every step. Frozen values equal their average, so only the packed part is kept. A parameter whose
/// selection changed starts again from its present values.
class Ema {
 public:
  /// Starts from the present values.
  Ema(const std::vector<NamedParameter>& all, double decay);
  void update();
  /// Exchanges the model's values with the averages; calling it twice restores both.
  void swap();

  NamedTensors state() const;
  /// Takes back what state() gave. Throws an Error naming what is missing or of the wrong shape or dtype.
  void load_state(const NamedTensors& state);

 private:
  struct Slot {
    NamedParameter p;
    std::uint64_t version;
    Tensor average;
  };
  static Slot start(const NamedParameter& p);
  /// Starts those slots again whose parameter trains another part by now.
  void follow_changes();
  double decay_;
  std::vector<Slot> slots_;
};

}  // namespace engine
