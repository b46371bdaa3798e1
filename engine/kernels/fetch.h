#pragma once

#include "engine/kernels/gemm.h"
#include "engine/tensor/storage.h"

namespace engine::kernels {

/// Asks for the numbers of a matrix that lies row by row, so that they are in the second cache when they are
/// read. (Always inline: a compiler may take a function that only asks for one without effect, and drop it.)
template <class T>
[[gnu::always_inline]] inline void fetch(const Matrix<T>& m) {
  constexpr Index kLine = kAlignment / sizeof(T);
  for (Index i = 0; i < m.rows; ++i) {
    for (Index j = 0; j < m.columns; j += kLine) __builtin_prefetch(m.data + i * m.row_stride + j, 0, 2);
  }
}

}  // namespace engine::kernels
