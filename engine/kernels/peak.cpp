#include "engine/kernels/peak.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>

#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"

namespace engine::kernels {
namespace {

constexpr double kSampleSeconds = 0.01;
constexpr Index kPieces = 8;  // of every thread, so that one that starts late delays little

std::atomic<float> seen;  // a result that may be read is computed

double seconds_of(Index rounds) {
  const auto start = std::chrono::steady_clock::now();
  parallel_for(kPieces * threads(), [&](Index) {
    seen.store(simd<float>().multiply_add(rounds, 0.5f, 1.0f), std::memory_order_relaxed);
  });
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

double fma_peak() {
  Index rounds = 1000;
  while (seconds_of(rounds) < kSampleSeconds / 4) rounds *= 2;
  rounds *= 4;
  std::array<double, 5> seconds{};
  for (double& s : seconds) s = seconds_of(rounds);
  std::ranges::nth_element(seconds, seconds.begin() + 2);
  return static_cast<double>(simd<float>().registers * rounds * kPieces * threads()) / seconds[2];
}

}  // namespace engine::kernels
