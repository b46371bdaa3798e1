#include "engine/base/phase.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace engine {
namespace {

/// Waits until the clock of the timers has moved on.
void wait() {
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() == start) {
  }
}

TEST(Phase, starts_at_zero_and_grows_when_its_timer_closes) {
  reset_phases();
  {
    const PhaseTimer timer(Phase::forward);
    wait();
    EXPECT_EQ(phase_seconds(Phase::forward), 0);
  }
  const double once = phase_seconds(Phase::forward);
  EXPECT_GT(once, 0);
  {
    const PhaseTimer timer(Phase::forward);
    wait();
  }
  EXPECT_GT(phase_seconds(Phase::forward), once);
  EXPECT_EQ(phase_seconds(Phase::backward), 0);
}

TEST(Phase, inside_another_counts_in_both) {
  reset_phases();
  {
    const PhaseTimer backward(Phase::backward);
    const PhaseTimer weights(Phase::weight_gradients);
    wait();
  }
  EXPECT_GT(phase_seconds(Phase::weight_gradients), 0);
  EXPECT_GE(phase_seconds(Phase::backward), phase_seconds(Phase::weight_gradients));
}

TEST(Phase, inside_itself_counts_once) {
  reset_phases();
  const auto start = std::chrono::steady_clock::now();
  {
    const PhaseTimer outer(Phase::backward);
    {
      const PhaseTimer inner(Phase::backward);
      wait();
    }
    EXPECT_EQ(phase_seconds(Phase::backward), 0) << "the outer timer has not closed";
  }
  const std::chrono::duration<double> all = std::chrono::steady_clock::now() - start;
  EXPECT_GT(phase_seconds(Phase::backward), 0);
  EXPECT_LE(phase_seconds(Phase::backward), all.count());
}

TEST(Phase, is_forgotten_by_a_reset) {
  {
    const PhaseTimer timer(Phase::select);
    wait();
  }
  reset_phases();
  for (int i = 0; i < kPhases; ++i) EXPECT_EQ(phase_seconds(static_cast<Phase>(i)), 0);
}

TEST(Phase, belongs_to_its_thread) {
  reset_phases();
  std::thread([] {
    const PhaseTimer timer(Phase::optimizer);
    wait();
  }).join();
  EXPECT_EQ(phase_seconds(Phase::optimizer), 0);
}

}  // namespace
}  // namespace engine
