#include "engine/kernels/blocking.h"

#include <algorithm>

#include "engine/base/div_up.h"

namespace engine::kernels {
namespace {

/// Of b, what is packed at a time for all tasks: a quarter of the last cache, at most 4 MB.
constexpr Index kMostShared = 4 << 20;

/// Tiles of rows in a task; fewer where c is wider than high, for there are few tiles to deal out. Measured:
/// one alone costs 5 %.
constexpr Index kFewestTiles = 3, kFewestWideTiles = 2;

/// A c up to a quarter of the second cache is summed by blocks of depth in parallel, when there are enough
/// blocks to occupy some threads.
constexpr Index kManyBlocks = 4;

/// Panels of b that read a copy of a often enough to pay for it, by the size of a vector: with AVX-512 a step
/// of a panel takes 12 cycles, with AVX2 6, of which reading a from the second cache takes some. Measured for
/// dW of ViT-Ti, S and B.
constexpr Index kPanelsToPackWide = 32, kPanelsToPack = 12;
constexpr Index kWideVector = 64;

/// Values of a task's own side: three eighths of the second cache, so that as much is left for what streams
/// by, and c.
Index own_values(const ProductShape& s, const Caches& caches) {
  return caches.l2.bytes * 3 / 8 / s.value_bytes;
}

Index shared_values(const ProductShape& s, const Caches& caches) {
  const Index quarter = caches.l3_bytes > 0 ? caches.l3_bytes / 4 : caches.l2.bytes;
  return std::min(kMostShared, quarter) / s.value_bytes;
}

/// All columns where the last cache is near, else as even parts as there can be that stay in five eighths of
/// the second. Measured on Zen 5 with 1 MB: 240 to 480 columns are alike, 192 of 384 are slower.
Index columns_at_a_time(const ProductShape& s, const Caches& caches) {
  const Index all = round_up(s.n, s.tile_columns);
  if (caches.l3_near) return all;
  const Index most = std::max(s.tile_columns, caches.l2.bytes * 5 / 8 / s.value_bytes / s.depth());
  return round_up(div_up(s.n, div_up(s.n, most)), s.tile_columns);
}

/// A tile reads a left-hand side that lies along its rows as fast in place as from a copy. One that lies
/// along its columns (dW) touches a line for every step of depth, too many for the first cache; a copy pays
/// where many panels read it, or where the second cache does not hold these lines, either, leaving half of
/// its places to others. Where a vector of 64 bytes takes two turns (Zen 4, whose last cache is near) all of
/// that hides behind the multiply-adds, and copies cost 2 to 7 %.
bool pays_to_pack_left(const ProductShape& s, const Caches& caches) {
  if (s.a_column_stride == 1) return false;
  const bool wide = s.vector_bytes >= kWideVector;
  if (wide && caches.l3_near) return false;
  const Index panels = div_up(s.n, s.tile_columns);
  return panels >= (wide ? kPanelsToPackWide : kPanelsToPack) ||
         s.depth() > caches.l2.lines_held(s.a_column_stride * s.value_bytes) / 2;
}

Index fewest_tiles(const ProductShape& s) {
  return s.m < s.n ? kFewestWideTiles : kFewestTiles;
}

/// Rows, unless they are few or too long. Columns that every task packs for itself cost one more pass of a
/// for every task. Where the last cache is far, they pay for a block of a that stays near and a b that is
/// more than can be packed for all at a time: every thread then reads another part of it, from memory, once.
Blocking::Deal rows_or_columns(const ProductShape& s, const Caches& caches) {
  if (s.m >= s.n) return Blocking::Deal::rows;
  const Index shared = shared_values(s, caches);
  const bool many = s.m >= kTasks * s.tile_rows,
             short_enough = s.n <= 2 * shared / kDepth,  // a block of b is at most twice the shared room
      near_a_far_b = !caches.l3_near && s.m * s.depth() <= own_values(s, caches) && s.n * s.k > shared;
  return many && short_enough && !near_a_far_b ? Blocking::Deal::rows : Blocking::Deal::columns;
}

}  // namespace

Blocking blocking(const ProductShape& s, const Caches& caches) {
  const Index shared = shared_values(s, caches), blocks = KBlocks(s.k).count();
  const bool by_depth = s.m * s.n * s.value_bytes <= caches.l2.bytes / 4 && blocks >= kManyBlocks;
  const Blocking::Deal deal = by_depth ? Blocking::Deal::depth : rows_or_columns(s, caches);
  return {.deal = deal,
          .fewest_tiles = fewest_tiles(s),
          .own_values = own_values(s, caches),
          .blocks_at_a_time = std::clamp<Index>(shared / std::max<Index>(1, s.n) / kDepth, 1, blocks),
          .columns_at_a_time = columns_at_a_time(s, caches),
          .pack_left = deal != Blocking::Deal::columns && pays_to_pack_left(s, caches)};
}

Blocking blocking_of_packed(const ProductShape& s, const Caches& caches) {
  Blocking how = blocking(s, caches);
  // Few rows stay near while the panels pass, of which every thread then reads others, and each once.
  const bool few = s.m * s.depth() <= own_values(s, caches);
  how.deal = few ? Blocking::Deal::columns : Blocking::Deal::rows;
  return how;
}

}  // namespace engine::kernels
