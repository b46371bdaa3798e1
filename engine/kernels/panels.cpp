#include "engine/kernels/panels.h"

#include "engine/base/div_up.h"

namespace engine::kernels {
namespace {

// Pieces are large enough to be worth a task, some microseconds, and small enough that all threads get some.
// Where b lies row by row, a piece is a quarter of a block's rows and 768 columns: about 96 x 768 f32, 288
// KB, which is read and written within the second cache. Where it lies column by column, a piece is the
// columns of one panel, which is read once and written to 72 KB in one place.
constexpr Index kParts = 4, kPieceColumns = 768, kPiecePanelColumns = 48;

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
Panels<T>::Panels(const Simd<T>& s, const Matrix<T>& m, Index first, Index last, Index left, Index right)
    : s_(&s),
      m_(m),
      blocks_(m.rows),
      first_(first),
      last_(last),
      left_(left),
      right_(right),
      width_(s.tiles.columns()),
      padded_(round_up(right - left, s.tiles.lanes)),
      by_rows_(m.column_stride == 1),
      parts_(by_rows_ ? kParts : 1),
      columns_(round_up(by_rows_ ? kPieceColumns : kPiecePanelColumns, width_)),
      buffer_((blocks_.begin(last) - blocks_.begin(first)) * padded_) {}

template <class T>
Index Panels<T>::pieces() const {
  return (last_ - first_) * parts_ * div_up(right_ - left_, columns_);
}

template <class T>
void Panels<T>::pack_piece(Index piece) const {
  const Index across = div_up(right_ - left_, columns_);
  const Index block = first_ + piece / across / parts_, part = piece / across % parts_;
  const Index size = blocks_.size(block), top = size * part / parts_, rows = size * (part + 1) / parts_ - top;
  const Index row = blocks_.begin(block) + top;
  const Index from = left_ + piece % across * columns_, to = std::min(right_, from + columns_);
  // Whole panels lie one behind the other; the last may be narrower and has zeros in it.
  const Index whole = by_rows_ ? (to - from) / width_ * width_ : 0;
  if (whole > 0)
    s_->deal(rows, whole, m_.data + row * m_.row_stride + from, m_.row_stride,
             place(block, from) + top * width_, size * width_);
  for (Index column = from + whole; column < to; column += width_)
    pack(*s_, m_, row, rows, column, std::min(width_, to - column), width(column),
         place(block, column) + top * width(column));
}

template void pack(const Simd<float>&, const Matrix<float>&, Index, Index, Index, Index, Index, float*);
template void pack(const Simd<double>&, const Matrix<double>&, Index, Index, Index, Index, Index, double*);
template class Panels<float>;
template class Panels<double>;

}  // namespace engine::kernels
