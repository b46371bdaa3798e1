#pragma once

#include "engine/kernels/caches.h"
#include "engine/kernels/gemm.h"

namespace engine::kernels {

/// What a product's cuts follow from: its sizes, c [m, n] = a [m, k] b [k, n], how a lies, and the register
/// tile. Strides in values.
struct ProductShape {
  Index m, n, k;
  Index a_row_stride, a_column_stride;
  Index value_bytes;
  Index tile_rows, tile_columns, vector_bytes;

  /// The deepest block of k.
  Index depth() const { return KBlocks(k).size(KBlocks(k).count() - 1); }
};

/// How a product is cut into tasks, and what is packed for whom. None of it changes a bit of the result:
/// that follows from k alone (KBlocks).
struct Blocking {
  /// What is dealt out to tasks: rows of c, with b packed for all; columns, of which each task packs its own;
  /// or blocks of depth, whose sums are added afterwards.
  enum class Deal { rows, columns, depth };
  Deal deal;
  /// The least tiles of rows in a task: the panels that pass come from a far place for the first tile only.
  Index fewest_tiles;
  /// Values of the rows or columns of a task within a block of depth, which stay in the second cache.
  Index own_values;
  /// Blocks of depth of b that are packed at a time for all tasks.
  Index blocks_at_a_time;
  /// Columns of c, a multiple of the tile's, whose panels pass one tile of rows after the other.
  Index columns_at_a_time;
  /// Whether a task copies its rows of a side by side before it multiplies them.
  bool pack_left;

  bool operator==(const Blocking&) const = default;
};

Blocking blocking(const ProductShape& shape, const Caches& caches);

/// The same for a b whose panels are there already: only rows or columns are dealt out.
Blocking blocking_of_packed(const ProductShape& shape, const Caches& caches);

/// Tasks, or a multiple of it: a multiple of 2, 4, 8 and 16 threads, so that all have as much to do.
constexpr Index kTasks = 16;

}  // namespace engine::kernels
