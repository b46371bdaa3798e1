#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#include "engine/base/check.h"
#include "engine/base/div_up.h"
#include "engine/base/flush_denormals.h"

namespace engine::kernels {

/// How many threads loops use from now on; 0 means all cores. Results do not depend on it.
void set_threads(int count);
int threads();

/// Keeps the first exception that any thread throws.
class FirstFailure {
 public:
  template <class F>
  void guard(F&& f) {
    try {
      f();
    } catch (...) {
#pragma omp critical(espalier_first_failure)
      if (!failure_) failure_ = std::current_exception();
      failed_.store(true, std::memory_order_release);
    }
  }
  bool failed() const {
    return failed_.load(std::memory_order_acquire);
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
  std::atomic<bool> failed_{false};
};

/// parallel_for over `first` calls of `f`, then over `second` of `g`, which may read what all of `f` wrote;
/// when one of `f` throws, `g` is not called. Threads are woken once for both. A thread that has nothing left
/// to do waits awake, yielding its core to whoever asks for it: the last call takes less time than being
/// woken again. All calls flush denormals; the caller's own mode is what it was afterwards.
template <class F, class G>
void parallel_then(Index first, F&& f, Index second, G&& g) {
  FirstFailure failure;
  alignas(64) std::atomic<Index> next{0};
  alignas(64) std::atomic<Index> done{0};
  const Index all = first + second;
  const auto wait_for = [&](Index calls) {
    while (done.load(std::memory_order_acquire) < calls) std::this_thread::yield();
  };
#pragma omp parallel if (all > 1)
  {
    const FlushDenormals flush;
    for (Index i; (i = next.fetch_add(1, std::memory_order_relaxed)) < all;
         done.fetch_add(1, std::memory_order_release)) {
      if (i < first) {
        failure.guard([&] { f(i); });
      } else {
        wait_for(first);  // calls are taken in order, so these are running
        if (first == 0 || !failure.failed()) failure.guard([&] { g(i - first); });
      }
    }
    wait_for(all);
  }
  failure.rethrow();
}

/// Calls `f(i)` for i in [0, count), each once, in any order and on any thread: calls must write to disjoint
/// places. Inside another parallel loop it runs on the calling thread. The first exception thrown is thrown
/// again here.
template <class F>
void parallel_for(Index count, F&& f) {
  parallel_then(
      0, [](Index) {}, count, f);
}

/// Cuts [0, count) into pieces of `chunk` (the last may be shorter) and calls `f(begin, end)` for each, in
/// parallel. The cuts depend on `count` and `chunk` alone, so partial sums per piece are the same for any
/// thread count.
template <class F>
void parallel_chunks(Index count, Index chunk, F&& f) {
  parallel_for(div_up(count, chunk), [&](Index i) { f(i * chunk, std::min(count, (i + 1) * chunk)); });
}

/// Values handled by one call of an element-wise loop.
constexpr Index kChunk = 16384;

}  // namespace engine::kernels
