#pragma once

#include "engine/base/check.h"
#include "engine/kernels/k_blocks.h"
#include "engine/kernels/simd.h"

namespace engine::kernels {

/// A matrix in memory with any strides, so that a transpose or a slice of columns is free.
template <class T>
struct Matrix {
  const T* data;
  Index rows, columns;
  Index row_stride, column_stride = 1;

  Matrix transposed() const { return {data, columns, rows, column_stride, row_stride}; }
};

/// c = a b, with c row-major and `c_stride` values from row to row.
/// Every value of c is summed in the same order whatever its place, the sizes of c and the thread count:
/// by blocks (KBlocks), each a chain of fused multiply-adds, the blocks added one after the other. So a
/// product of some rows or columns has the bits of the same rows or columns of the whole product.
template <class T>
void gemm(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> epilogue = {});

/// sums[e] = sum over p of a[p, i[e]] b[p, j[e]]: single values of a^T b, with the bits gemm would give
/// them. `a` and `b` are row-major.
template <class T>
void sampled_gemm(Index count, const Index* i, const Index* j, Matrix<T> a, Matrix<T> b, T* sums);

/// The plain version of gemm: a triple loop with the same order of additions, rounding each product.
template <class T>
void gemm_plain(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> epilogue = {});

/// Multiply-adds done by matrix products and attention since the program started: the arithmetic of a step,
/// counted.
Index multiply_adds();
/// Counts some that were done elsewhere.
void count_multiply_adds(Index count);

}  // namespace engine::kernels
