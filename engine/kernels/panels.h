#pragma once

#include <algorithm>

#include "engine/kernels/gemm.h"
#include "engine/kernels/simd.h"
#include "engine/tensor/storage.h"

namespace engine::kernels {

/// Room for `count` numbers, from the pool.
template <class T>
class Buffer {
 public:
  explicit Buffer(Index count) : bytes_(allocate(static_cast<std::size_t>(count) * sizeof(T))) {}
  T* data() const { return reinterpret_cast<T*>(bytes_.get()); }

 private:
  std::shared_ptr<std::byte> bytes_;
};

/// Copies columns [column, column + count) of rows [row, row + depth) of `m` side by side: [depth, width], in
/// which columns from `count` on are zero.
template <class T>
void pack(const Simd<T>& s, const Matrix<T>& m, Index row, Index depth, Index column, Index count,
          Index width, T* panel);

/// One side of a product as register tiles read it: for every block of kDepth rows of `m` [depth, columns],
/// panels [rows of the block, width] of neighbouring columns, filled up with zeros.
template <class T>
class Panels {
 public:
  /// Room for columns [left, right) of rows [begin, end), `begin` a multiple of kDepth. Panels are `width`
  /// columns wide; the last needs only be a multiple of `unit`.
  Panels(const Simd<T>& s, const Matrix<T>& m, Index begin, Index end, Index left, Index right, Index width,
         Index unit);

  /// How many pieces of work the packing is, and one of them. Pieces write to different places.
  Index pieces() const;
  void pack_piece(Index piece) const;
  void pack_all() const {
    for (Index i = 0; i < pieces(); ++i) pack_piece(i);
  }

  /// The panel of the column it starts with, for the block of rows from `row` on.
  const T* at(Index row, Index column) const { return place(row, column); }
  Index depth(Index row) const { return std::min(kDepth, end_ - row); }
  Index width(Index column) const { return std::min(width_, padded_ - (column - left_)); }

 private:
  T* place(Index row, Index column) const {
    return buffer_.data() + (row - begin_) * padded_ + (column - left_) * depth(row);
  }

  const Simd<T>* s_;
  Matrix<T> m_;
  Index begin_, end_, left_, right_, width_, padded_;
  bool by_rows_;          ///< the matrix lies row by row: rows are dealt out
  Index rows_, columns_;  ///< of a piece
  Buffer<T> buffer_;
};

}  // namespace engine::kernels
