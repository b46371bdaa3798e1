#include "engine/base/div_up.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace engine {
namespace {

TEST(DivUp, counts_a_piece_that_does_not_fill) {
  EXPECT_EQ(div_up(0, 3), 0);
  EXPECT_EQ(div_up(1, 3), 1);
  EXPECT_EQ(div_up(3, 3), 1);
  EXPECT_EQ(div_up(4, 3), 2);
  EXPECT_EQ(round_up(4, 3), 6);
}

TEST(DivUp, of_the_largest_count_does_not_overflow) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(div_up(kMost, std::int64_t{256}), kMost / 256 + 1);
  EXPECT_EQ(div_up(kMost, kMost), 1);
}

}  // namespace
}  // namespace engine
