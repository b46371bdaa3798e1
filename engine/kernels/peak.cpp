#include "engine/kernels/peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"

namespace engine::kernels {
namespace {

constexpr double kSampleSeconds = 0.01;
constexpr int kSamples = 5;
constexpr Index kPieces = 8;  // of every thread, so that one that starts late delays little

std::atomic<float> seen;  // a result that may be read is computed

double seconds_of(Index rounds, const std::function<double()>& clock) {
  const double start = clock();
  parallel_for(kPieces * threads(), [&](Index) {
    seen.store(simd<float>().multiply_add(rounds, 0.5f, 1.0f), std::memory_order_relaxed);
  });
  return clock() - start;
}

}  // namespace

double fma_peak() {
  return fma_peak([] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  });
}

double fma_peak(const std::function<double()>& clock) {
  Index rounds = 1000;
  while (seconds_of(rounds, clock) < kSampleSeconds / 4) rounds *= 2;
  rounds *= 4;
  // The fastest: other programs that run meanwhile only make it slower.
  double seconds = seconds_of(rounds, clock);
  for (int i = 1; i < kSamples; ++i) seconds = std::min(seconds, seconds_of(rounds, clock));
  return static_cast<double>(simd<float>().per_round * rounds * kPieces * threads()) / seconds;
}

}  // namespace engine::kernels
