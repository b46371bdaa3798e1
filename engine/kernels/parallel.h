#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#include "engine/base/check.h"

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
    }
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
};

/// Calls `f(i)` for i in [0, count), each once, in any order and on any thread: calls must write to disjoint
/// places. Inside another parallel loop it runs on the calling thread. The first exception thrown is thrown
/// again here.
template <class F>
void parallel_for(Index count, F&& f) {
  FirstFailure failure;
#pragma omp parallel for schedule(dynamic) if (count > 1)
  for (Index i = 0; i < count; ++i) failure.guard([&] { f(i); });
  failure.rethrow();
}

/// parallel_for over `first` calls of `f`, then over `second` of `g`, which may read what all of `f` wrote.
/// Threads are woken once for both.
template <class F, class G>
void parallel_then(Index first, F&& f, Index second, G&& g) {
  FirstFailure failure;
  std::atomic<Index> next{0}, ready{0};
#pragma omp parallel if (first + second > 1)
  for (Index i; (i = next.fetch_add(1)) < first + second;) {
    if (i < first) {
      failure.guard([&] { f(i); });
      ready.fetch_add(1, std::memory_order_release);
    } else {
      // Calls are taken in order, so those waited for are running.
      while (ready.load(std::memory_order_acquire) < first) std::this_thread::yield();
      failure.guard([&] { g(i - first); });
    }
  }
  failure.rethrow();
}

/// Cuts [0, count) into pieces of `chunk` (the last may be shorter) and calls `f(begin, end)` for each, in
/// parallel. The cuts depend on `count` and `chunk` alone, so partial sums per piece are the same for any
/// thread count.
template <class F>
void parallel_chunks(Index count, Index chunk, F&& f) {
  parallel_for((count + chunk - 1) / chunk, [&](Index i) { f(i * chunk, std::min(count, (i + 1) * chunk)); });
}

/// Numbers handled by one call of an element-wise loop.
constexpr Index kChunk = 16384;

}  // namespace engine::kernels
