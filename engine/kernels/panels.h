#pragma once

#include <algorithm>

#include "engine/kernels/gemm.h"
#include "engine/kernels/simd.h"
#include "engine/tensor/storage.h"

namespace engine::kernels {

/// Room for `count` values, from the pool.
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

/// The right-hand side of a product as register tiles read it: for every block of rows of `m` [depth,
/// columns], panels [rows of the block, width] of neighbouring columns, filled up with zeros. They are as
/// wide as the widest tile; the last may be narrower.
template <class T>
class Panels {
 public:
  /// Room for columns [left, right) of the blocks [first, last) of the rows of `m`, whose values are needed
  /// until all pieces are packed.
  Panels(const Simd<T>& s, const Matrix<T>& m, Index first, Index last, Index left, Index right);

  /// How many pieces of work the packing is, and one of them. Pieces write to different places.
  Index pieces() const;
  void pack_piece(Index piece) const;
  void pack_all() const {
    for (Index i = 0; i < pieces(); ++i) pack_piece(i);
  }

  const Simd<T>& simd() const { return *s_; }
  Index rows() const { return m_.rows; }
  Index columns() const { return m_.columns; }

  /// The panel of a block of rows that starts with `column`.
  const T* at(Index block, Index column) const { return place(block, column); }
  Index width(Index column) const { return std::min(width_, padded_ - (column - left_)); }

 private:
  T* place(Index block, Index column) const {
    return buffer_.data() + (blocks_.begin(block) - blocks_.begin(first_)) * padded_ +
           (column - left_) * blocks_.size(block);
  }

  const Simd<T>* s_;
  Matrix<T> m_;
  KBlocks blocks_;
  Index first_, last_, left_, right_, width_, padded_;
  bool by_rows_;   ///< the matrix lies row by row: rows are dealt out
  Index parts_;    ///< of the rows of a block, in pieces
  Index columns_;  ///< of a piece
  Buffer<T> buffer_;
};

}  // namespace engine::kernels
