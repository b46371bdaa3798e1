#include "engine/kernels/gemm.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "engine/base/flush_denormals.h"
#include "engine/kernels/deals.h"
#include "engine/kernels/elementwise.h"
#include "engine/kernels/packed_gemm.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/thin_gemm.h"

namespace engine::kernels {
namespace {

std::atomic<Index> multiply_adds_done{0};

/// What a product with the columns `n` of b is cut by.
template <class T>
ProductShape shape_of(const Simd<T>& s, const Matrix<T>& a, Index n) {
  return {a.rows,
          n,
          a.columns,
          a.row_stride,
          a.column_stride,
          sizeof(T),
          s.tiles.rows,
          s.tiles.columns(),
          s.tiles.lanes * static_cast<Index>(sizeof(T))};
}

/// c of a product whose depth is zero.
template <class T>
void fill_zero(Index m, Index n, T* c, Index c_stride) {
  for (Index i = 0; i < m; ++i) std::fill_n(c + i * c_stride, n, T{0});
}

}  // namespace

template <class T>
void gemm(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> epilogue) {
  const FlushDenormals flush;  // for what no loop computes
  const Simd<T>& s = simd<T>();
  const Index m = a.rows, n = b.columns, k = a.columns;
  const bool sketches = epilogue.sketches.sketch.count > 0;
  check(!sketches || a.column_stride == 1, "gemm: sketches need rows that lie in one piece");
  count_multiply_adds(m * (n + (sketches ? 1 : 0)) * k);
  Product<T> p{s, a, n, c, c_stride, epilogue, {}};
  const bool empty = m == 0 || n == 0 || k == 0;
  if (!empty && !is_thin(s, a, b)) {
    p.how = blocking(shape_of(s, a, n), caches());
    if (p.how.deal == Blocking::Deal::rows) return deal_rows(p, b);
    if (p.how.deal == Blocking::Deal::columns) return deal_columns(p, b);
    sketch_all(p);
    return deal_depth(p, b);
  }
  sketch_all(p);
  if (m == 0 || n == 0) return;
  if (k > 0)
    thin_gemm(s, a, b, c, c_stride, epilogue.add);
  else if (!epilogue.add)
    fill_zero(m, n, c, c_stride);
  const Epilogue<T> e = p.epilogue_at(0, 0);
  if (e.any()) s.epilogue(m, n, c, c_stride, e);
}

template <class T>
Panels<T> pack_rhs(const Matrix<T>& m) {
  Panels<T> panels(simd<T>(), m, 0, KBlocks(m.rows).count(), 0, m.columns);
  parallel_for(panels.pieces(), [&](Index i) { panels.pack_piece(i); });
  return panels;
}

template <class T>
void gemm(Matrix<T> a, const Panels<T>& b, T* c, Index c_stride, Epilogue<T> epilogue) {
  const Simd<T>& s = simd<T>();
  check(&b.simd() == &s, "gemm: the right-hand side was packed for", b.simd().name, "and is used by", s.name);
  check(a.columns == b.rows() && a.columns > 0 && epilogue.sketches.sketch.count == 0,
        "gemm: a left-hand side of", a.columns, "columns does not fit", b.rows(), "packed rows");
  const Index m = a.rows, n = b.columns();
  count_multiply_adds(m * n * a.columns);
  if (m == 0 || n == 0) return;
  deal_packed({s, a, n, c, c_stride, epilogue, blocking_of_packed(shape_of(s, a, n), caches())}, b);
}

template <class T>
void sampled_gemm(Index count, const Index* i, const Index* j, Matrix<T> a, Matrix<T> b, T* sums) {
  const Simd<T>& s = simd<T>();
  const KBlocks blocks(a.rows);
  count_multiply_adds(count * a.rows);
  parallel_chunks(count, 256, [&](Index begin, Index end) {
    for (Index block = 0; block < blocks.count(); ++block) {
      const Index p = blocks.begin(block);
      s.dots(end - begin, i + begin, j + begin, blocks.size(block), a.data + p * a.row_stride, a.row_stride,
             b.data + p * b.row_stride, b.row_stride, sums + begin, block > 0);
    }
  });
}

template <class T>
void gemm_plain(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> e) {
  const KBlocks blocks(a.columns);
  for (Index i = 0; i < a.rows; ++i) {
    for (Index j = 0; j < b.columns; ++j) {
      const Index at = i * c_stride + j;
      T sum = e.add ? c[at] : 0;
      for (Index block = 0; block < blocks.count(); ++block) {
        T part = 0;
        for (Index q = blocks.begin(block); q < blocks.begin(block + 1); ++q) {
          part +=
              a.data[i * a.row_stride + q * a.column_stride] * b.data[q * b.row_stride + j * b.column_stride];
        }
        sum += part;
      }
      if (e.bias) sum += e.bias[j];
      if (e.before_activation) e.before_activation[at] = sum;
      if (e.activation != Activation::none) sum = activation_plain(e.activation, sum);
      if (e.scale) sum *= e.scale[j];
      if (e.factors) sum *= e.factors[i];
      c[at] = e.residual ? e.residual[at] + sum : sum;
    }
  }
}

Index multiply_adds() {
  return multiply_adds_done.load(std::memory_order_relaxed);
}

void count_multiply_adds(Index count) {
  multiply_adds_done.fetch_add(count, std::memory_order_relaxed);
}

template void gemm(Matrix<float>, Matrix<float>, float*, Index, Epilogue<float>);
template void gemm(Matrix<double>, Matrix<double>, double*, Index, Epilogue<double>);
template Panels<float> pack_rhs(const Matrix<float>&);
template Panels<double> pack_rhs(const Matrix<double>&);
template void gemm(Matrix<float>, const Panels<float>&, float*, Index, Epilogue<float>);
template void gemm(Matrix<double>, const Panels<double>&, double*, Index, Epilogue<double>);
template void sampled_gemm(Index, const Index*, const Index*, Matrix<float>, Matrix<float>, float*);
template void sampled_gemm(Index, const Index*, const Index*, Matrix<double>, Matrix<double>, double*);
template void gemm_plain(Matrix<float>, Matrix<float>, float*, Index, Epilogue<float>);
template void gemm_plain(Matrix<double>, Matrix<double>, double*, Index, Epilogue<double>);

}  // namespace engine::kernels
