#pragma once

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

/// The right-hand side of a product as register tiles read it: for every block of kDepth rows, panels
/// [depth, width] of neighbouring columns, as wide as the widest tile; the last as wide as it needs to be.
template <class T>
class Panels {
 public:
  /// Rows [begin, end) of `b`, packed by all threads. `begin` is a multiple of kDepth.
  Panels(const Simd<T>& s, const Matrix<T>& b, Index begin, Index end);

  /// The panel of the column it starts with, for the block of rows from `row` on.
  const T* at(Index row, Index column) const {
    return buffer_.data() + (row - begin_) * padded_ + column * depth(row);
  }
  Index depth(Index row) const { return std::min(kDepth, end_ - row); }
  Index width(Index column) const { return std::min(s_.tiles.columns(), padded_ - column); }

 private:
  const Simd<T>& s_;
  Index begin_, end_, padded_;
  Buffer<T> buffer_;
};

}  // namespace engine::kernels
