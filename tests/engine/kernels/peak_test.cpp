#include "engine/kernels/peak.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "engine/kernels/parallel.h"
#include "engine/tensor/storage.h"
#include "tests/support/kernel_guards.h"

namespace engine::kernels {
namespace {

/// A clock by which the measurements take these seconds, one after the other.
std::function<double()> clock_of(std::vector<double> seconds) {
  return [seconds = std::move(seconds), now = 0.0, calls = std::size_t{0}]() mutable {
    if (calls++ % 2 == 1) now += seconds.at(calls / 2 - 1);
    return now;
  };
}

TEST(FmaPeak, is_the_work_of_all_threads_in_the_fastest_of_five_samples) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    // Calls of 1,000 and 2,000 rounds are too short. The samples are four times the first that is not.
    const double work = static_cast<double>(simd<float>().per_round) * 4 * 4000 * 8 * threads();
    EXPECT_EQ(fma_peak(clock_of({1. / 1024, 2. / 1024, 4. / 1024, 4, 4, 2, 8, 4})), work / 2) << set;
  }
}

TEST(FmaPeak, is_more_than_one_chain_of_multiply_adds_reaches) {
  const support::UseThreads one(1);
  const auto now = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  constexpr int kRounds = 1'000'000;  // each waits for the one before: several cycles
  volatile float factor = 0.5f;
  double seconds = 1;
  for (int sample = 0; sample < 5; ++sample) {
    const float f = factor;
    float chain = 1;
    const double start = now();
    for (int i = 0; i < kRounds; ++i) chain = chain * f + 1;
    factor = chain < 3 ? 0.5f : 0.25f;  // the result is used
    seconds = std::min(seconds, now() - start);
  }
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    EXPECT_GT(fma_peak(), kRounds / seconds) << set;
  }
}

TEST(MemoryBandwidth, is_what_three_large_buffers_take_in_the_fastest_of_five_samples) {
  const double bytes = memory_bandwidth(clock_of({1, 1, 1, 1, 1}));
  EXPECT_EQ(bytes, 3 * 128. * (1 << 20));
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    EXPECT_EQ(memory_bandwidth(clock_of({4, 4, 2, 8, 4})), bytes / 2) << set;
  }
  release_free_buffers();
}

TEST(MemoryBandwidth, is_less_than_the_registers_take) {
  const double bandwidth = memory_bandwidth();
  release_free_buffers();
  EXPECT_GT(bandwidth, 0);
  EXPECT_LT(bandwidth, 12 * fma_peak()) << "12 bytes for each sum";
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
