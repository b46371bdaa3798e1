#pragma once

namespace engine {

/// A part of a pass, a step or a run whose time can be asked for. `data` is the time spent waiting for
/// images, outside scoring; `prefix` that for what frozen blocks give of images.
enum class Phase {
  forward,
  backward,
  weight_gradients,
  penalty,
  optimizer,
  select,
  data,
  score,
  step,
  evaluate,
  prefix,
  save
};
constexpr int kPhases = static_cast<int>(Phase::save) + 1;

/// Adds the seconds it lives to a phase of its thread. A phase opened again inside itself counts once; one
/// inside another counts in both.
class PhaseTimer {
 public:
  explicit PhaseTimer(Phase phase);
  ~PhaseTimer();
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;

 private:
  Phase phase_;
};

/// Seconds this thread spent in closed timers of a phase since it started or called reset_phases().
double phase_seconds(Phase phase);
void reset_phases();

}  // namespace engine
