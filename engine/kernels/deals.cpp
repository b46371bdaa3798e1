#include "engine/kernels/deals.h"

#include <algorithm>
#include <optional>

#include "engine/base/div_up.h"
#include "engine/kernels/parallel.h"

namespace engine::kernels {
namespace {

/// How rows or columns of c are dealt out to tasks, by whole tiles. What a task calls its own within a block
/// of depth stays in the second cache.
class Partition {
 public:
  Partition(Index size, Index depth, Index tile, Index fewest_tiles, Index own_values)
      : size_(size),
        tile_(tile),
        tiles_(div_up(size, tile)),
        tasks_(std::min(div_up(tiles_, fewest_tiles),
                        div_up(tiles_, kTasks * std::max<Index>(1, own_values / depth / tile)) * kTasks)) {}

  Index tasks() const { return tasks_; }
  Index begin(Index task) const { return std::min(size_, tiles_ * task / tasks_ * tile_); }

 private:
  Index size_, tile_, tiles_, tasks_;
};

template <class T>
Partition rows_of(const Product<T>& p) {
  return {p.a.rows, KBlocks(p.a.columns).size(0), p.s.tiles.rows, p.how.fewest_tiles, p.how.own_values};
}

template <class T>
Partition columns_of(const Product<T>& p) {
  return {p.columns, KBlocks(p.a.columns).size(0), p.s.tiles.columns(), 1, p.how.own_values};
}

}  // namespace

template <class T>
void sketch_all(const Product<T>& p) {
  constexpr Index kRows = 64;  // of a task: 196 KB of rows of ViT-B in f32, some microseconds of work
  parallel_chunks(p.a.rows, kRows, [&](Index begin, Index end) { sketch(p, begin, end); });
}

// While tasks multiply some blocks of depth, the next blocks of b are packed.
template <class T>
void deal_rows(const Product<T>& p, const Matrix<T>& b) {
  const KBlocks blocks(p.a.columns);
  const Partition partition = rows_of(p);
  const TileRows<T> a(p.s, p.a);
  const auto last_of = [&](Index first) { return std::min(blocks.count(), first + p.how.blocks_at_a_time); };
  std::optional<Panels<T>> now(std::in_place, p.s, b, 0, last_of(0), 0, p.columns);
  for (Index first = 0; first < blocks.count(); first += p.how.blocks_at_a_time) {
    const Index last = last_of(first);
    std::optional<Panels<T>> next;
    if (last < blocks.count()) next.emplace(p.s, b, last, last_of(last), 0, p.columns);
    parallel_then(
        first == 0 ? now->pieces() : 0, [&](Index i) { now->pack_piece(i); },
        partition.tasks() + (last < blocks.count() ? next->pieces() : 0),
        [&](Index i) {
          if (i >= partition.tasks()) return next->pack_piece(i - partition.tasks());
          const Region part{partition.begin(i), partition.begin(i + 1), 0, p.columns};
          for (Index block = first; block < last; ++block) run_block(p, a, *now, part, block);
          if (last == blocks.count()) sketch(p, part.top, part.bottom);  // these rows are still near
        });
    now = std::move(next);
  }
}

template <class T>
void deal_columns(const Product<T>& p, const Matrix<T>& b) {
  const KBlocks blocks(p.a.columns);
  const Partition partition = columns_of(p);
  const TileRows<T> a(p.s, p.a);
  parallel_for(partition.tasks(), [&](Index i) {
    const Region part{0, p.a.rows, partition.begin(i), partition.begin(i + 1)};
    for (Index block = 0; block < blocks.count(); ++block) {
      const Panels<T> own(p.s, b, block, block + 1, part.left, part.right);
      own.pack_all();
      run_block(p, a, own, part, block);
    }
  });
  sketch_all(p);
}

template <class T>
void deal_depth(const Product<T>& p, const Matrix<T>& b) {
  const Index m = p.a.rows, n = p.columns;
  const KBlocks blocks(p.a.columns);
  const Buffer<T> sums(blocks.count() * m * n);
  const Index rows = p.how.fewest_tiles * p.s.tiles.rows;  // of c, added up by one task
  parallel_then(
      blocks.count(),
      [&](Index i) {
        const Index q = blocks.begin(i), depth = blocks.size(i);
        const Product<T> block{
            p.s,  {p.a.data + q * p.a.column_stride, m, depth, p.a.row_stride, p.a.column_stride},
            n,    sums.data() + i * m * n,
            n,    {},
            p.how};
        const Matrix<T> part{b.data + q * b.row_stride, depth, n, b.row_stride, b.column_stride};
        const Panels<T> own(p.s, part, 0, 1, 0, n);
        own.pack_all();
        run_block(block, TileRows<T>(p.s, block.a), own, {0, m, 0, n}, 0);
      },
      div_up(m, rows),
      [&](Index task) {
        const Index top = task * rows, bottom = std::min(m, top + rows);
        for (Index row = top; row < bottom; ++row) {
          T* const c = p.c + row * p.c_stride;
          if (!p.epilogue.add) std::copy_n(sums.data() + row * n, n, c);
          for (Index i = p.epilogue.add ? 0 : 1; i < blocks.count(); ++i)
            p.s.add(n, c, sums.data() + (i * m + row) * n, c);
        }
        const Epilogue<T> e = p.epilogue_at(top, 0);
        if (e.any()) p.s.epilogue(bottom - top, n, p.c + top * p.c_stride, p.c_stride, e);
      });
}

template <class T>
void deal_packed(const Product<T>& p, const Panels<T>& b) {
  const KBlocks blocks(p.a.columns);
  const bool by_rows = p.how.deal == Blocking::Deal::rows;
  const Partition partition = by_rows ? rows_of(p) : columns_of(p);
  const TileRows<T> a(p.s, p.a);
  // Rows share the blocks of b that pass, so that these come from memory once; columns share none.
  const Index at_a_time = by_rows ? p.how.blocks_at_a_time : blocks.count();
  for (Index first = 0; first < blocks.count(); first += at_a_time) {
    const Index last = std::min(blocks.count(), first + at_a_time);
    parallel_for(partition.tasks(), [&](Index i) {
      const Index begin = partition.begin(i), end = partition.begin(i + 1);
      const Region part = by_rows ? Region{begin, end, 0, p.columns} : Region{0, p.a.rows, begin, end};
      for (Index block = first; block < last; ++block) run_block(p, a, b, part, block);
    });
  }
}

template void sketch_all(const Product<float>&);
template void sketch_all(const Product<double>&);
template void deal_rows(const Product<float>&, const Matrix<float>&);
template void deal_rows(const Product<double>&, const Matrix<double>&);
template void deal_columns(const Product<float>&, const Matrix<float>&);
template void deal_columns(const Product<double>&, const Matrix<double>&);
template void deal_depth(const Product<float>&, const Matrix<float>&);
template void deal_depth(const Product<double>&, const Matrix<double>&);
template void deal_packed(const Product<float>&, const Panels<float>&);
template void deal_packed(const Product<double>&, const Panels<double>&);

}  // namespace engine::kernels
