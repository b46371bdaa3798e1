#include "engine/kernels/gemm.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"
#include "engine/tensor/storage.h"

namespace engine::kernels {
namespace {

std::atomic<Index> multiply_adds_done{0};

constexpr Index kTilesDown = 8;  // register tiles in a block of rows: its panels of `a` fit the second cache
constexpr Index kMostColumns = 4096;  // columns of `b` packed at a time
constexpr Index kTileBuffer = 1024;   // at least tile_rows * tile_columns of every instruction set

template <class T>
struct Buffer {
  explicit Buffer(Index count) : bytes(allocate(static_cast<std::size_t>(count) * sizeof(T))) {}
  T* data() const { return reinterpret_cast<T*>(bytes.get()); }
  std::shared_ptr<std::byte> bytes;
};

/// Copies columns [column, column + width) of `m`, `depth` rows from `row` on, into a panel [depth, width];
/// columns past the end become zero.
template <class T>
void pack(const Matrix<T>& m, Index row, Index depth, Index column, Index width, T* panel) {
  const Index full = std::min(width, m.columns - column);
  const T* from = m.data + row * m.row_stride + column * m.column_stride;
  if (m.column_stride == 1) {
    for (Index p = 0; p < depth; ++p) {
      for (Index j = 0; j < full; ++j) panel[p * width + j] = from[p * m.row_stride + j];
      for (Index j = full; j < width; ++j) panel[p * width + j] = 0;
    }
  } else {
    for (Index j = 0; j < full; ++j) {
      const T* column_from = from + j * m.column_stride;
      for (Index p = 0; p < depth; ++p) panel[p * width + j] = column_from[p * m.row_stride];
    }
    for (Index j = full; j < width; ++j) {
      for (Index p = 0; p < depth; ++p) panel[p * width + j] = 0;
    }
  }
}

/// One product of packed panels into [rows, columns] of c; edges go through a buffer of a whole tile.
template <class T>
void product(const Simd<T>& s, Index depth, const T* a, const T* b, Index rows, Index columns, T* c,
             Index c_stride, bool add) {
  if (rows == s.tile_rows && columns == s.tile_columns) return s.tile(depth, a, b, c, c_stride, add);
  alignas(kAlignment) T whole[kTileBuffer];
  s.tile(depth, a, b, whole, s.tile_columns, false);
  for (Index r = 0; r < rows; ++r) {
    for (Index j = 0; j < columns; ++j) {
      T& to = c[r * c_stride + j];
      to = add ? to + whole[r * s.tile_columns + j] : whole[r * s.tile_columns + j];
    }
  }
}

/// c[:, columns] (+)= a[:, depth] b[depth, columns] for one block of the depth; `panels` holds b's packed
/// columns.
template <class T>
void add_block(const Simd<T>& s, const Matrix<T>& a, Index p, Index depth, const T* panels, Index columns,
               T* c, Index c_stride, bool add) {
  const Index block_rows = s.tile_rows * kTilesDown;
  parallel_chunks(a.rows, block_rows, [&](Index begin, Index end) {
    const Buffer<T> packed(block_rows * depth);
    const Matrix<T> across = a.transposed();
    for (Index i = begin; i < end; i += s.tile_rows) {
      pack(across, p, depth, i, s.tile_rows, packed.data() + (i - begin) * depth);
    }
    for (Index j = 0; j < columns; j += s.tile_columns) {
      for (Index i = begin; i < end; i += s.tile_rows) {
        product(s, depth, packed.data() + (i - begin) * depth, panels + j * depth,
                std::min(s.tile_rows, end - i), std::min(s.tile_columns, columns - j), c + i * c_stride + j,
                c_stride, add);
      }
    }
  });
}

template <class T>
void add_bias(Index rows, Index columns, const T* bias, T* c, Index c_stride) {
  parallel_chunks(rows, std::max<Index>(1, kChunk / std::max<Index>(columns, 1)),
                  [&](Index begin, Index end) {
                    for (Index i = begin; i < end; ++i) {
                      for (Index j = 0; j < columns; ++j) c[i * c_stride + j] += bias[j];
                    }
                  });
}

}  // namespace

template <class T>
void gemm(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> epilogue) {
  const Simd<T>& s = simd<T>();
  const Index m = a.rows, n = b.columns, k = a.columns;
  multiply_adds_done.fetch_add(m * n * k, std::memory_order_relaxed);
  if (k == 0 && !epilogue.add) {
    for (Index i = 0; i < m; ++i) std::fill_n(c + i * c_stride, n, T{0});
  }
  const Index width = std::min(kMostColumns, (n + s.tile_columns - 1) / s.tile_columns * s.tile_columns);
  const Buffer<T> panels(width * std::min(kDepth, k));
  for (Index column = 0; column < n; column += width) {
    const Index columns = std::min(width, n - column);
    for (Index p = 0; p < k; p += kDepth) {
      const Index depth = std::min(kDepth, k - p);
      parallel_chunks(columns, s.tile_columns, [&](Index j, Index) {
        pack(b, p, depth, column + j, s.tile_columns, panels.data() + j * depth);
      });
      add_block(s, a, p, depth, panels.data(), columns, c + column, c_stride, epilogue.add || p > 0);
    }
  }
  if (epilogue.bias) add_bias(m, n, epilogue.bias, c, c_stride);
}

template <class T>
void sampled_gemm(Index count, const Index* i, const Index* j, Matrix<T> a, Matrix<T> b, T* sums) {
  const Simd<T>& s = simd<T>();
  const Index k = a.rows;
  multiply_adds_done.fetch_add(count * k, std::memory_order_relaxed);
  std::fill_n(sums, count, T{0});
  parallel_chunks(count, 256, [&](Index begin, Index end) {
    for (Index p = 0; p < k; p += kDepth) {
      s.dots(end - begin, i + begin, j + begin, std::min(kDepth, k - p), a.data + p * a.row_stride,
             a.row_stride, b.data + p * b.row_stride, b.row_stride, sums + begin, p > 0);
    }
  });
}

template <class T>
void gemm_plain(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> epilogue) {
  for (Index i = 0; i < a.rows; ++i) {
    for (Index j = 0; j < b.columns; ++j) {
      T sum = epilogue.add ? c[i * c_stride + j] : 0;
      for (Index p = 0; p < a.columns; p += kDepth) {
        T block = 0;
        for (Index q = p; q < std::min(a.columns, p + kDepth); ++q) {
          block +=
              a.data[i * a.row_stride + q * a.column_stride] * b.data[q * b.row_stride + j * b.column_stride];
        }
        sum += block;
      }
      c[i * c_stride + j] = epilogue.bias ? sum + epilogue.bias[j] : sum;
    }
  }
}

Index multiply_adds() {
  return multiply_adds_done.load(std::memory_order_relaxed);
}

template void gemm(Matrix<float>, Matrix<float>, float*, Index, Epilogue<float>);
template void gemm(Matrix<double>, Matrix<double>, double*, Index, Epilogue<double>);
template void sampled_gemm(Index, const Index*, const Index*, Matrix<float>, Matrix<float>, float*);
template void sampled_gemm(Index, const Index*, const Index*, Matrix<double>, Matrix<double>, double*);
template void gemm_plain(Matrix<float>, Matrix<float>, float*, Index, Epilogue<float>);
template void gemm_plain(Matrix<double>, Matrix<double>, double*, Index, Epilogue<double>);

}  // namespace engine::kernels
