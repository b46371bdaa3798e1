#include "engine/kernels/tile_rows.h"

#include "engine/base/div_up.h"

namespace engine::kernels {

template <class T>
TileRows<T>::TileRows(const Simd<T>& s, const Matrix<T>& m)
    : m_(m), tile_(s.tiles.rows), whole_(m.rows / tile_ * tile_) {
  if (whole_ == m.rows) return;
  rest_.emplace(m.columns * tile_);
  pack(s, m.transposed(), 0, m.columns, whole_, m.rows - whole_, tile_, rest_->data());
}

template <class T>
PackedTileRows<T>::PackedTileRows(const Simd<T>& s, const Matrix<T>& m, Index top, Index bottom, Index begin,
                                  Index depth)
    : top_(top), depth_(depth), tile_(s.tiles.rows), values_(round_up(bottom - top, tile_) * depth) {
  const Index whole = m.row_stride == 1 ? (bottom - top) / tile_ * tile_ : 0;
  if (whole > 0)
    s.deal_tile_rows(depth, whole, m.data + begin * m.column_stride + top, m.column_stride, values_.data(),
                     tile_ * depth);
  for (Index row = top + whole; row < bottom; row += tile_)
    pack(s, m.transposed(), begin, depth, row, std::min(tile_, bottom - row), tile_,
         values_.data() + (row - top) * depth);
}

template <class T>
void run_tile(const Tiles<T>& tiles, Index depth, Strided<T> a, const T* b, Index width, T* c, Index c_stride,
              Index rows, Index columns, bool add) {
  const RunTile<T> run = tiles.run[width / tiles.lanes - 1];
  if (rows == tiles.rows && columns == width) return run(depth, a, b, width, c, c_stride, add);
  constexpr Index kMost = 512;  // at least the values of a tile of every instruction set
  alignas(kAlignment) T whole[kMost];
  run(depth, a, b, width, whole, width, false);
  for (Index r = 0; r < rows; ++r) {
    for (Index j = 0; j < columns; ++j) {
      T& to = c[r * c_stride + j];
      to = add ? to + whole[r * width + j] : whole[r * width + j];
    }
  }
}

template class TileRows<float>;
template class TileRows<double>;
template class PackedTileRows<float>;
template class PackedTileRows<double>;
template void run_tile(const Tiles<float>&, Index, Strided<float>, const float*, Index, float*, Index, Index,
                       Index, bool);
template void run_tile(const Tiles<double>&, Index, Strided<double>, const double*, Index, double*, Index,
                       Index, Index, bool);

}  // namespace engine::kernels
