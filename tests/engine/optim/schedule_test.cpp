#include "engine/optim/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace engine {
namespace {

using Kind = Schedule::Kind;

TEST(Schedule, constant_stays) {
  const Schedule s{.kind = Kind::constant, .lr = 0.3, .min_lr = 0.1, .warmup = 0, .steps = 10};
  for (const Index step : {0, 1, 9, 10, 1000}) EXPECT_EQ(s.at(step), 0.3) << step;
}

TEST(Schedule, warm_up_grows_evenly_and_reaches_the_rate_in_its_last_step) {
  for (const Kind kind : {Kind::constant, Kind::linear, Kind::cosine}) {
    const Schedule s{.kind = kind, .lr = 1, .min_lr = 0, .warmup = 4, .steps = 20};
    EXPECT_EQ(s.at(0), 0.25);
    EXPECT_EQ(s.at(1), 0.5);
    EXPECT_EQ(s.at(3), 1);
    EXPECT_EQ(s.at(4), 1);
  }
}

TEST(Schedule, linear_falls_evenly_after_warm_up) {
  const Schedule s{.kind = Kind::linear, .lr = 1.1, .min_lr = 0.1, .warmup = 2, .steps = 12};
  EXPECT_DOUBLE_EQ(s.at(2), 1.1);
  EXPECT_DOUBLE_EQ(s.at(3), 1.0);
  EXPECT_DOUBLE_EQ(s.at(7), 0.6);
  EXPECT_DOUBLE_EQ(s.at(11), 0.2);
  EXPECT_DOUBLE_EQ(s.at(12), 0.1);
}

TEST(Schedule, cosine_is_half_way_down_in_the_middle) {
  const Schedule s{.kind = Kind::cosine, .lr = 1, .min_lr = 0.2, .warmup = 3, .steps = 11};
  EXPECT_DOUBLE_EQ(s.at(3), 1);
  EXPECT_DOUBLE_EQ(s.at(5), 0.2 + 0.8 * (1 + std::sqrt(0.5)) / 2);
  EXPECT_DOUBLE_EQ(s.at(7), 0.6);
  EXPECT_DOUBLE_EQ(s.at(11), 0.2);
}

TEST(Schedule, stays_at_the_end_after_the_last_step) {
  for (const Kind kind : {Kind::linear, Kind::cosine}) {
    const Schedule s{.kind = kind, .lr = 1, .min_lr = 0.25, .warmup = 0, .steps = 5};
    EXPECT_DOUBLE_EQ(s.at(5), 0.25);
    EXPECT_DOUBLE_EQ(s.at(500), 0.25);
  }
}

TEST(Schedule, of_nothing_but_warm_up_never_divides_by_zero) {
  const Schedule s{.kind = Kind::cosine, .lr = 1, .min_lr = 0, .warmup = 2, .steps = 2};
  EXPECT_EQ(s.at(0), 0.5);
  EXPECT_EQ(s.at(1), 1);
  EXPECT_EQ(s.at(2), 1);
}

}  // namespace
}  // namespace engine
