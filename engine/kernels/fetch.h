#pragma once

#include "engine/kernels/gemm.h"

namespace engine::kernels {

/// Asks for the values of a matrix that lies row by row, so that they are in the second cache when they are
/// read; of a row that does not begin with a cache line, for all but the last of them. (Always inline: a
/// compiler may take a function that only asks for one without effect, and drop it.)
template <class T>
[[gnu::always_inline]] inline void fetch(const Matrix<T>& m) {
  constexpr Index kLine = 64 / sizeof(T);  // a cache line
  for (Index i = 0; i < m.rows; ++i) {
    for (Index j = 0; j < m.columns; j += kLine) __builtin_prefetch(m.data + i * m.row_stride + j, 0, 2);
  }
}

}  // namespace engine::kernels
