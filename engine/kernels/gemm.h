#pragma once

#include "engine/base/check.h"
#include "engine/kernels/depth.h"
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

/// Count sketches of the rows of a, computed while the product reads them.
template <class T>
struct RowSketches {
  Sketch<T> sketch;     ///< of as many values as a has columns; none is made when its count is 0
  T* values = nullptr;  ///< [rows of a, sketch.count]
};

/// What happens to a product on its way to memory: c = residual + factor gelu(a b + bias). What is not asked
/// for is left out.
template <class T>
struct Epilogue {
  const T* bias = nullptr;       ///< [columns of c], added to every row
  bool add = false;              ///< c keeps what it holds, and the product is added
  bool gelu = false;             ///< the exact GELU
  T* before_gelu = nullptr;      ///< keeps what goes into GELU, laid out as c
  const T* factors = nullptr;    ///< [rows of c], every row times its own
  const T* residual = nullptr;   ///< laid out as c
  RowSketches<T> sketches = {};  ///< what else is computed; a must be row-major
};

/// c = a b, with c row-major and `c_stride` numbers from row to row.
/// Every number of c is summed in the same order whatever its place, the sizes of c and the thread count:
/// by blocks (Depths), each a chain of fused multiply-adds, the blocks added one after the other. So a
/// product of some rows or columns has the bits of the same rows or columns of the whole product.
template <class T>
void gemm(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> epilogue = {});

/// sums[e] = sum over p of a[p, i[e]] b[p, j[e]]: single numbers of a^T b, with the bits gemm would give
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
