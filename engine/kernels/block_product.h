#pragma once

#include <optional>

#include "engine/base/div_up.h"
#include "engine/kernels/blocking.h"
#include "engine/kernels/panels.h"
#include "engine/kernels/tile_rows.h"

namespace engine::kernels {

/// One product c [m, n] = a [m, k] b, its place in memory and how it is cut.
template <class T>
struct Product {
  const Simd<T>& s;
  Matrix<T> a;
  Index columns;  ///< n
  T* c;
  Index c_stride;
  Epilogue<T> epilogue;
  Blocking how;

  /// The epilogue of the block of c that begins there.
  Epilogue<T> epilogue_at(Index row, Index column) const {
    const Index at = row * c_stride + column;
    const Epilogue<T>& e = epilogue;
    return {.bias = e.bias ? e.bias + column : nullptr,
            .activation = e.activation,
            .before_activation = e.before_activation ? e.before_activation + at : nullptr,
            .scale = e.scale ? e.scale + column : nullptr,
            .factors = e.factors ? e.factors + row : nullptr,
            .residual = e.residual ? e.residual + at : nullptr};
  }
};

/// A rectangular region of c.
struct Region {
  Index top, bottom, left, right;
};

/// Panels of b, at most, that go by before the next tile of rows (12 KB, 8 rows of a block in f32) can have
/// arrived by itself: the hardware fetches ahead within a row, but does not foresee where the next rows
/// begin. A panel takes 8 x 3 x 384 multiply-adds of whole vectors, about 4,600 cycles at two a cycle.
/// Measured.
constexpr Index kFewPanels = 12;

/// Asks for piece `piece` of `pieces` of what a region will copy of a in a block: its rows, which lie across
/// lines that are far apart, so that no hardware foresees them.
template <class T>
[[gnu::always_inline]] inline void fetch_next(const Matrix<T>& a, const Region& region, const KBlocks& blocks,
                                              Index block, Index piece, Index pieces) {
  const Index begin = blocks.size(block) * piece / pieces, end = blocks.size(block) * (piece + 1) / pieces;
  fetch(Matrix<T>{a.data + (blocks.begin(block) + begin) * a.column_stride + region.top, end - begin,
                  region.bottom - region.top, a.column_stride, 1});
}

/// Adds the products of a block of depth to a region of c. As many columns at a time as the blocking says: a
/// tile of rows stays near (in the first cache when it lies row by row) while their panels go by, one behind
/// the other in memory, so that they are fetched ahead, and these panels stay near for the next tile.
template <class T>
void run_block(const Product<T>& p, const TileRows<T>& a, const Panels<T>& b, const Region& region,
               Index block) {
  const KBlocks blocks(p.a.columns);
  const Index begin = blocks.begin(block), depth = blocks.size(block), tile = p.s.tiles.rows;
  const bool add = p.epilogue.add || block > 0, done = block + 1 == blocks.count();
  std::optional<PackedTileRows<T>> own;
  if (p.how.pack_left) own.emplace(p.s, p.a, region.top, region.bottom, begin, depth);
  for (Index left = region.left; left < region.right; left += p.how.columns_at_a_time) {
    const Index right = std::min(region.right, left + p.how.columns_at_a_time);
    const bool fetches = !own && right - left <= kFewPanels * p.s.tiles.columns();
    for (Index i = region.top; i < region.bottom; i += tile) {
      const Index rows = std::min(tile, region.bottom - i);
      T* const c = p.c + i * p.c_stride;
      const Strided<T> tile_rows = own ? own->at(i) : a.at(i, begin);
      if (fetches && i + rows < region.bottom) a.fetch_ahead(i + rows, begin, depth);
      if (own && !done && left == region.left)
        fetch_next(p.a, region, blocks, block + 1, (i - region.top) / tile,
                   div_up(region.bottom - region.top, tile));
      for (Index j = left; j < right; j += p.s.tiles.columns())
        run_tile(p.s.tiles, depth, tile_rows, b.at(block, j), b.width(j), c + j, p.c_stride, rows,
                 std::min(b.width(j), right - j), add);
      const Epilogue<T> e = p.epilogue_at(i, left);
      if (done && e.any()) p.s.epilogue(rows, right - left, c + left, p.c_stride, e);
    }
  }
}

/// The sketches of some rows of a.
template <class T>
void sketch(const Product<T>& p, Index top, Index bottom) {
  const RowSketches<T>& to = p.epilogue.sketches;
  if (to.sketch.count > 0)
    p.s.sketch_rows(bottom - top, p.a.columns, p.a.data + top * p.a.row_stride, p.a.row_stride, to.sketch,
                    to.values + top * to.sketch.count);
}

}  // namespace engine::kernels
