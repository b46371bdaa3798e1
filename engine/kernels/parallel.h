#pragma once

#include <algorithm>
#include <exception>

#include "engine/base/check.h"

namespace engine::kernels {

/// How many threads loops use from now on; 0 means all cores. Results do not depend on it.
void set_threads(int count);
int threads();

/// Calls `f(i)` for i in [0, count), each once, in any order and on any thread: calls must write to disjoint
/// places. Inside another parallel loop it runs on the calling thread. The first exception thrown is thrown
/// again here.
template <class F>
void parallel_for(Index count, F&& f) {
  std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic) if (count > 1)
  for (Index i = 0; i < count; ++i) {
    try {
      f(i);
    } catch (...) {
#pragma omp critical(espalier_parallel_for)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
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
