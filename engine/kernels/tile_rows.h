#pragma once

#include <optional>

#include "engine/kernels/fetch.h"
#include "engine/kernels/panels.h"

namespace engine::kernels {

/// The rows of a left-hand side, as register tiles read them: where they lie, but for the last ones when they
/// are too few for a tile. Those are copied and filled up with zeros.
template <class T>
class TileRows {
 public:
  TileRows(const Simd<T>& s, const Matrix<T>& m);

  Index count() const { return m_.rows; }
  const Matrix<T>& matrix() const { return m_; }
  /// A tile of rows, from `row` and column `column` on.
  Strided<T> at(Index row, Index column) const {
    if (row == whole_) return {rest_->data() + column * tile_, 1, tile_};
    return {m_.data + row * m_.row_stride + column * m_.column_stride, m_.row_stride, m_.column_stride};
  }
  /// Fetches a tile of rows, `depth` columns from `column` on: when they lie row by row, and are no copies.
  [[gnu::always_inline]] void fetch_ahead(Index row, Index column, Index depth) const {
    if (m_.column_stride == 1 && row < whole_)
      fetch(Matrix<T>{m_.data + row * m_.row_stride + column, tile_, depth, m_.row_stride, 1});
  }

 private:
  Matrix<T> m_;
  Index tile_, whole_;
  std::optional<Buffer<T>> rest_;
};

/// A copy of some rows and columns of a left-hand side as register tiles read them: tile by tile, [depth,
/// rows of a tile] each, the last filled up with zeros.
template <class T>
class PackedTileRows {
 public:
  /// Rows [top, bottom), columns [begin, begin + depth) of `m`. `top` begins a tile.
  PackedTileRows(const Simd<T>& s, const Matrix<T>& m, Index top, Index bottom, Index begin, Index depth);

  /// The tile that begins with `row`.
  Strided<T> at(Index row) const { return {values_.data() + (row - top_) * depth_, 1, tile_}; }

 private:
  Index top_, depth_, tile_;
  Buffer<T> values_;
};

/// One register tile over a panel b [depth, width], of which c takes `rows` and `columns` and no more.
template <class T>
void run_tile(const Tiles<T>& tiles, Index depth, Strided<T> a, const T* b, Index width, T* c, Index c_stride,
              Index rows, Index columns, bool add);

}  // namespace engine::kernels
