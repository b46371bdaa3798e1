#include "engine/kernels/panels.h"

namespace engine::kernels {
namespace {

// Pieces are large enough to be worth a task and small enough that all threads get some.
constexpr Index kParts = 4, kPieceColumns = 768, kPiecePanelColumns = 48;

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
Panels<T>::Panels(const Simd<T>& s, const Matrix<T>& m, Index first, Index last, Index left, Index right)
    : s_(&s),
      m_(m),
      depths_(m.rows),
      first_(first),
      last_(last),
      left_(left),
      right_(right),
      width_(s.tiles.columns()),
      padded_(up(right - left, s.tiles.lanes)),
      by_rows_(m.column_stride == 1),
      parts_(by_rows_ ? kParts : 1),
      columns_(up(by_rows_ ? kPieceColumns : kPiecePanelColumns, width_)),
      buffer_((depths_.begin(last) - depths_.begin(first)) * padded_) {}

template <class T>
Index Panels<T>::pieces() const {
  return (last_ - first_) * parts_ * (up(right_ - left_, columns_) / columns_);
}

template <class T>
void Panels<T>::pack_piece(Index piece) const {
  const Index across = up(right_ - left_, columns_) / columns_;
  const Index block = first_ + piece / across / parts_, part = piece / across % parts_;
  const Index size = depths_.size(block), top = size * part / parts_, rows = size * (part + 1) / parts_ - top;
  const Index row = depths_.begin(block) + top;
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
