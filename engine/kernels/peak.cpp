#include "engine/kernels/peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"
#include "engine/tensor/storage.h"

namespace engine::kernels {
namespace {

constexpr double kSampleSeconds = 0.01;
constexpr int kSamples = 5;
constexpr Index kPieces = 8;  // of every thread, so that one that starts late delays little

constexpr Index kStreamed = Index{1} << 25;  // floats in a buffer, of three
constexpr Index kApart = 336;  // floats between buffers: their values do not meet in the same set of a cache

std::atomic<float> seen;  // a result that may be read is computed

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class F>
double seconds_of(const F& work, const std::function<double()>& clock) {
  const double start = clock();
  work();
  return clock() - start;
}

template <class F>
double fastest(const F& work, const std::function<double()>& clock) {
  double seconds = seconds_of(work, clock);
  for (int i = 1; i < kSamples; ++i) seconds = std::min(seconds, seconds_of(work, clock));
  return seconds;
}

}  // namespace

double fma_peak() {
  return fma_peak(now);
}

double fma_peak(const std::function<double()>& clock) {
  Index rounds = 1000;
  const auto multiply_add = [&] {
    parallel_for(kPieces * threads(), [&](Index) {
      seen.store(simd<float>().multiply_add(rounds, 0.5f, 1.0f), std::memory_order_relaxed);
    });
  };
  while (seconds_of(multiply_add, clock) < kSampleSeconds / 4) rounds *= 2;
  rounds *= 4;
  return static_cast<double>(simd<float>().per_round * rounds * kPieces * threads()) /
         fastest(multiply_add, clock);
}

double memory_bandwidth() {
  return memory_bandwidth(now);
}

double memory_bandwidth(const std::function<double()>& clock) {
  const auto memory = allocate(3 * (kStreamed + kApart) * sizeof(float));
  float* const a = reinterpret_cast<float*>(memory.get());
  float* const b = a + kStreamed + kApart;
  float* const c = b + kStreamed + kApart;
  const Index piece = div_up(kStreamed, kPieces * threads());
  parallel_chunks(kStreamed, piece, [&](Index begin, Index end) {  // the system gives memory when it is used
    for (float* const buffer : {a, b, c}) std::fill(buffer + begin, buffer + end, 1.0f);
  });
  const auto add = [&] {
    parallel_chunks(kStreamed, piece, [&](Index begin, Index end) {
      simd<float>().add(end - begin, a + begin, b + begin, c + begin);
    });
  };
  return static_cast<double>(3 * kStreamed * static_cast<Index>(sizeof(float))) / fastest(add, clock);
}

}  // namespace engine::kernels
