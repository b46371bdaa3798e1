#pragma once

#include <vector>

#include "engine/base/div_up.h"
#include "engine/kernels/parallel.h"

namespace engine::kernels {

/// The sum of f(i) over [0, n) in double precision: pieces of kChunk side by side, then added in order.
template <class F>
double sum(Index n, F f) {
  std::vector<double> partial(static_cast<std::size_t>(div_up(n, kChunk)));
  parallel_chunks(n, kChunk, [&](Index begin, Index end) {
    double total = 0;
    for (Index i = begin; i < end; ++i) total += static_cast<double>(f(i));
    partial[static_cast<std::size_t>(begin / kChunk)] = total;
  });
  double total = 0;
  for (double piece : partial) total += piece;
  return total;
}

/// sums[j] = sum over rows i of f(i, j): blocks of 256 rows side by side, then added in order.
template <class T, class F>
void column_sums(Index rows, Index columns, T* sums, F f) {
  constexpr Index kRows = 256, kColumns = 1024;
  const Index down = div_up(rows, kRows), across = div_up(columns, kColumns);
  std::vector<T> partial(static_cast<std::size_t>(down * columns));
  parallel_for(down * across, [&](Index task) {
    const Index block = task / across, begin = task % across * kColumns,
                end = std::min(columns, begin + kColumns);
    T* const to = partial.data() + block * columns;
    for (Index i = block * kRows; i < std::min(rows, (block + 1) * kRows); ++i) {
      for (Index j = begin; j < end; ++j) to[j] += f(i, j);
    }
  });
  parallel_chunks(columns, kColumns, [&](Index begin, Index end) {
    for (Index j = begin; j < end; ++j) sums[j] = 0;
    for (Index block = 0; block < down; ++block) {
      for (Index j = begin; j < end; ++j) sums[j] += partial[static_cast<std::size_t>(block * columns + j)];
    }
  });
}

/// sums[j] = sum over rows i of x[i, j], in the same order as above.
template <class T>
void column_sums(Index rows, Index columns, const T* x, T* sums);

}  // namespace engine::kernels
