#pragma once

#include <vector>

#include "engine/kernels/parallel.h"

namespace engine::kernels {

/// The sum of f(i) over [0, n) in double precision: pieces of kChunk side by side, then added in order.
template <class F>
double sum(Index n, F f) {
  std::vector<double> partial(static_cast<std::size_t>((n + kChunk - 1) / kChunk));
  parallel_chunks(n, kChunk, [&](Index begin, Index end) {
    double total = 0;
    for (Index i = begin; i < end; ++i) total += static_cast<double>(f(i));
    partial[static_cast<std::size_t>(begin / kChunk)] = total;
  });
  double total = 0;
  for (double piece : partial) total += piece;
  return total;
}

/// sums[j] = sum over rows i of f(i, j): blocks of 64 rows, added in order.
template <class T, class F>
void column_sums(Index rows, Index columns, T* sums, F f) {
  constexpr Index kRows = 64, kColumns = 256;
  parallel_chunks(columns, kColumns, [&](Index begin, Index end) {
    T block[kColumns];
    for (Index j = begin; j < end; ++j) sums[j] = 0;
    for (Index first = 0; first < rows; first += kRows) {
      for (Index j = begin; j < end; ++j) block[j - begin] = 0;
      for (Index i = first; i < std::min(rows, first + kRows); ++i) {
        for (Index j = begin; j < end; ++j) block[j - begin] += f(i, j);
      }
      for (Index j = begin; j < end; ++j) sums[j] += block[j - begin];
    }
  });
}

}  // namespace engine::kernels
