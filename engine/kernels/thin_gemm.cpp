#include "engine/kernels/thin_gemm.h"

#include <algorithm>

#include "engine/base/div_up.h"
#include "engine/kernels/panels.h"
#include "engine/kernels/parallel.h"

namespace engine::kernels {
namespace {

template <class T>
bool few_rows(const Simd<T>& s, const Matrix<T>& a, const Matrix<T>& b) {
  return a.rows <= s.tiles.rows && b.column_stride == 1;
}

/// partial[block, row, column] of a product with few rows, for every block of its depth: whole tiles, side by
/// side.
template <class T>
struct Partial {
  Partial(const Simd<T>& simd, const Matrix<T>& a, const Matrix<T>& b)
      : s(simd),
        tile(*std::find_if(std::begin(s.thin), std::end(s.thin) - 1,
                           [&](const auto& t) { return t.rows >= a.rows; })),
        blocks(a.columns),
        stride(round_up(b.columns, tile.columns)),
        sums(blocks.count() * tile.rows * stride) {}

  const Simd<T>& s;
  const ThinTile<T>& tile;
  KBlocks blocks;
  Index stride;
  Buffer<T> sums;
};

template <class T>
void multiply(const Partial<T>& to, const Matrix<T>& a, const Matrix<T>& b) {
  const Index columns = to.tile.columns;
  constexpr Index kTilesAcross = 4;  // in one task, so that the packed side is read by several tiles
  const Index parts = div_up(to.stride, kTilesAcross * columns);
  parallel_for(to.blocks.count() * parts, [&](Index task) {
    const Index block = task / parts, p = to.blocks.begin(block), depth = to.blocks.size(block);
    const Index begin = task % parts * kTilesAcross * columns;
    const Buffer<T> left(depth * to.tile.rows);  // a's columns one after the other
    pack(to.s, a.transposed(), p, depth, 0, a.rows, to.tile.rows, left.data());
    T* sums = to.sums.data() + block * to.tile.rows * to.stride;
    for (Index j = begin; j < std::min(to.stride, begin + kTilesAcross * columns); j += columns) {
      const T* right = b.data + p * b.row_stride + j;
      const Index full = std::min(columns, b.columns - j);
      if (full == columns) {
        to.tile.run(depth, {left.data(), 1, to.tile.rows}, right, b.row_stride, sums + j, to.stride, false);
      } else {
        const Buffer<T> edge(depth * columns);
        pack(to.s, b, p, depth, j, full, columns, edge.data());
        to.tile.run(depth, {left.data(), 1, to.tile.rows}, edge.data(), columns, sums + j, to.stride, false);
      }
    }
  });
}

/// c[i row_step + j column_step] (+)= the blocks' sums, in order. The first block's are overwritten.
template <class T>
void add_up(const Partial<T>& from, Index rows, Index columns, T* c, Index row_step, Index column_step,
            bool add) {
  const Index block = from.tile.rows * from.stride;
  constexpr Index kColumns = 256;  // of a task, so that hardly any two write to the same line of c
  parallel_chunks(columns, kColumns, [&](Index begin, Index end) {
    for (Index i = 0; i < rows; ++i) {
      T *const sums = from.sums.data() + i * from.stride, *const to = c + i * row_step;
      for (Index j = begin; j < end && add; ++j) sums[j] += to[j * column_step];
      for (Index q = 1; q < from.blocks.count(); ++q)
        from.s.add(end - begin, sums + begin, sums + q * block + begin, sums + begin);
      for (Index j = begin; j < end; ++j) to[j * column_step] = sums[j];
    }
  });
}

}  // namespace

template <class T>
bool is_thin(const Simd<T>& s, const Matrix<T>& a, const Matrix<T>& b) {
  return few_rows(s, a, b) || few_rows(s, b.transposed(), a.transposed());
}

template <class T>
void thin_gemm(const Simd<T>& s, const Matrix<T>& a, const Matrix<T>& b, T* c, Index c_stride, bool add) {
  const bool direct = few_rows(s, a, b);
  const Matrix<T> few = direct ? a : b.transposed(), many = direct ? b : a.transposed();
  const Partial<T> partial(s, few, many);
  multiply(partial, few, many);
  add_up(partial, few.rows, many.columns, c, direct ? c_stride : 1, direct ? 1 : c_stride, add);
}

template bool is_thin(const Simd<float>&, const Matrix<float>&, const Matrix<float>&);
template bool is_thin(const Simd<double>&, const Matrix<double>&, const Matrix<double>&);
template void thin_gemm(const Simd<float>&, const Matrix<float>&, const Matrix<float>&, float*, Index, bool);
template void thin_gemm(const Simd<double>&, const Matrix<double>&, const Matrix<double>&, double*, Index,
                        bool);

}  // namespace engine::kernels
