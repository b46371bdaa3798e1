#include "engine/kernels/panels.h"

#include <algorithm>

#include "engine/kernels/parallel.h"

namespace engine::kernels {
namespace {

Index up(Index count, Index unit) {
  return (count + unit - 1) / unit * unit;
}

}  // namespace

template <class T>
void pack(const Simd<T>& s, const Matrix<T>& m, Index row, Index depth, Index column, Index count,
          Index width, T* panel) {
  const T* from = m.data + row * m.row_stride + column * m.column_stride;
  if (count < width) std::fill_n(panel, depth * width, T{0});
  if (m.column_stride == 1) return s.copy(depth, count, from, m.row_stride, panel, width);
  if (m.row_stride == 1) return s.transpose(count, depth, from, m.column_stride, panel, width);
  for (Index p = 0; p < depth; ++p) {
    for (Index j = 0; j < count; ++j) panel[p * width + j] = from[p * m.row_stride + j * m.column_stride];
  }
}

template <class T>
Panels<T>::Panels(const Simd<T>& s, const Matrix<T>& b, Index begin, Index end)
    : s_(s),
      begin_(begin),
      end_(end),
      padded_(up(b.columns, s.tiles.lanes)),
      buffer_((end - begin) * padded_) {
  const Index step = s.tiles.columns(), across = (padded_ + step - 1) / step,
              down = (end - begin + kDepth - 1) / kDepth;
  parallel_for(across * down, [&](Index task) {
    const Index row = begin_ + task / across * kDepth, column = task % across * step;
    pack(s_, b, row, depth(row), column, std::min(step, b.columns - column), width(column),
         buffer_.data() + (row - begin_) * padded_ + column * depth(row));
  });
}

template void pack(const Simd<float>&, const Matrix<float>&, Index, Index, Index, Index, Index, float*);
template void pack(const Simd<double>&, const Matrix<double>&, Index, Index, Index, Index, Index, double*);
template class Panels<float>;
template class Panels<double>;

}  // namespace engine::kernels
