#include "engine/kernels/peak.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/kernel_guards.h"

namespace engine::kernels {
namespace {

TEST(FmaPeak, is_a_rate_with_every_instruction_set) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    const double peak = fma_peak();
    EXPECT_GT(peak, 0) << set;
    EXPECT_TRUE(std::isfinite(peak)) << set;
  }
}

TEST(MultiplyAdd, does_all_its_rounds) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    const Simd<float>& f = simd<float>();
    const Simd<double>& d = simd<double>();
    // With a factor of 1, every round adds the shift in every place.
    EXPECT_EQ(f.multiply_add(7, 1, 2) - f.multiply_add(0, 1, 2), 14 * static_cast<float>(f.per_round)) << set;
    EXPECT_EQ(d.multiply_add(7, 1, 2) - d.multiply_add(0, 1, 2), 14 * static_cast<double>(d.per_round))
        << set;
  }
}

}  // namespace
}  // namespace engine::kernels
