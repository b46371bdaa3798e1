#include "engine/kernels/gemm.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>

#include "engine/base/div_up.h"
#include "engine/kernels/panels.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"
#include "engine/kernels/thin_gemm.h"
#include "engine/kernels/tile_rows.h"

namespace engine::kernels {
namespace {

std::atomic<Index> multiply_adds_done{0};

// Sizes of the work. They follow from the caches of the machines this runs on: 32 KB or more of first cache
// and 512 KB or more of second for every core, some MB of last cache for all. (simd/tile.h states how a
// register tile is chosen, k_blocks.h how a block of depth.) None changes a bit of the result.

/// Values of b that are packed at a time for all tasks: 4 MB in f32, a part of the last cache.
constexpr Index kSharedValues = 1 << 20;
/// Columns of the widest c that has fewer rows and is still cut by rows: one block of depth of b is then no
/// more than twice as many values. Of a wider b every task packs its own columns.
constexpr Index kWidest = 2 * kSharedValues / kDepth;
/// Values of a task's own side within a block of depth: 384 KB in f32, which leaves room in a second cache of
/// 512 KB for what streams by.
constexpr Index kOwnValues = 96 * 1024;
/// Tasks, or a multiple of it: a multiple of 2, 4, 8 and 16 threads, so that all have as much to do.
constexpr Index kTasks = 16;
/// Tiles of rows in a task, at least: panels come from the last cache for the first tile and, as far as they
/// fit, from the second for those behind it. Fewer where c is wider than high, for there are few tiles to
/// share out.
constexpr Index kFewestTiles = 3, kFewestWideTiles = 2;
/// Panels of b, at most, that go by before the next tile of rows (12 KB, 8 rows of a block in f32) can have
/// arrived by itself: the hardware fetches ahead within a row, but does not foresee where the next rows
/// begin. A panel takes 8 x 3 x 384 multiply-adds of whole vectors, about 4,600 cycles at two a cycle.
/// Measured.
constexpr Index kFewPanels = 12;
/// A c of so few values (256 KB in f32, within a second cache) is summed by blocks of depth in parallel, when
/// there are enough blocks to occupy some threads.
constexpr Index kSmallProduct = 64 * 1024, kManyBlocks = 4;

/// One product and its place in memory.
template <class T>
struct Product {
  const Simd<T>& s;
  Matrix<T> a, b;
  T* c;
  Index c_stride;
  Epilogue<T> epilogue;

  /// The epilogue of the block of c that begins there.
  Epilogue<T> epilogue_at(Index row, Index column) const {
    const Index at = row * c_stride + column;
    const Epilogue<T>& e = epilogue;
    return {.bias = e.bias ? e.bias + column : nullptr,
            .gelu = e.gelu,
            .before_gelu = e.before_gelu ? e.before_gelu + at : nullptr,
            .factors = e.factors ? e.factors + row : nullptr,
            .residual = e.residual ? e.residual + at : nullptr};
  }
};

/// A rectangular region of c.
struct Region {
  Index top, bottom, left, right;
};

/// Adds the products of a block of depth to a part of c. A tile of rows stays near (in the first cache when
/// it lies row by row) while all panels of b go by, one behind the other in memory, so that they are fetched
/// ahead.
template <class T>
void run_block(const Product<T>& p, const TileRows<T>& a, const Panels<T>& b, const Region& part,
               Index block) {
  const KBlocks blocks(p.a.columns);
  const Index begin = blocks.begin(block), depth = blocks.size(block);
  const bool add = p.epilogue.add || block > 0, done = block + 1 == blocks.count();
  const bool few = part.right - part.left <= kFewPanels * p.s.tiles.columns();
  for (Index i = part.top; i < part.bottom; i += p.s.tiles.rows) {
    const Index rows = std::min(p.s.tiles.rows, part.bottom - i);
    T* const c = p.c + i * p.c_stride;
    if (few && i + rows < part.bottom) a.fetch_ahead(i + rows, begin, depth);
    for (Index j = part.left; j < part.right; j += p.s.tiles.columns())
      run_tile(p.s.tiles, depth, a.at(i, begin), b.at(block, j), b.width(j), c + j, p.c_stride, rows,
               std::min(b.width(j), part.right - j), add);
    const Epilogue<T> e = p.epilogue_at(i, part.left);
    if (done && e.any()) p.s.epilogue(rows, part.right - part.left, c + part.left, p.c_stride, e);
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

template <class T>
void sketch_all(const Product<T>& p) {
  constexpr Index kRows = 64;  // of a task: 196 KB of rows of ViT-B in f32, some microseconds of work
  parallel_chunks(p.a.rows, kRows, [&](Index begin, Index end) { sketch(p, begin, end); });
}

/// How rows or columns of c are dealt out to tasks, by whole tiles. The columns that a task packs for itself
/// stay in the second cache.
class Partition {
 public:
  Partition(Index size, Index depth, Index tile, Index fewest_tiles)
      : size_(size),
        tile_(tile),
        tiles_(div_up(size, tile)),
        tasks_(std::min(div_up(tiles_, fewest_tiles),
                        div_up(tiles_, kTasks * std::max<Index>(1, kOwnValues / depth / tile)) * kTasks)) {}

  Index tasks() const { return tasks_; }
  Index begin(Index task) const { return std::min(size_, tiles_ * task / tasks_ * tile_); }

 private:
  Index size_, tile_, tiles_, tasks_;
};

/// Many rows: they are dealt out, b is packed for all tasks. While tasks multiply some blocks of depth, the
/// next blocks of b are packed.
template <class T>
void run_by_rows(const Product<T>& p) {
  const KBlocks blocks(p.a.columns);
  const Index n = p.b.columns;
  const Index at_a_time = std::max<Index>(1, kSharedValues / n / kDepth);
  const Partition partition(p.a.rows, blocks.size(0), p.s.tiles.rows,
                            p.a.rows < n ? kFewestWideTiles : kFewestTiles);
  const TileRows<T> a(p.s, p.a);
  const auto last_of = [&](Index first) { return std::min(blocks.count(), first + at_a_time); };
  std::optional<Panels<T>> now(std::in_place, p.s, p.b, 0, last_of(0), 0, n);
  for (Index first = 0; first < blocks.count(); first += at_a_time) {
    const Index last = last_of(first);
    std::optional<Panels<T>> next;
    if (last < blocks.count()) next.emplace(p.s, p.b, last, last_of(last), 0, n);
    parallel_then(
        first == 0 ? now->pieces() : 0, [&](Index i) { now->pack_piece(i); },
        partition.tasks() + (last < blocks.count() ? next->pieces() : 0),
        [&](Index i) {
          if (i >= partition.tasks()) return next->pack_piece(i - partition.tasks());
          const Region part{partition.begin(i), partition.begin(i + 1), 0, n};
          for (Index block = first; block < last; ++block) run_block(p, a, *now, part, block);
          if (last == blocks.count()) sketch(p, part.top, part.bottom);  // these rows are still near
        });
    now = std::move(next);
  }
}

/// A wide c of few rows: columns are dealt out to tasks, each of which packs its own.
template <class T>
void run_by_columns(const Product<T>& p) {
  const KBlocks blocks(p.a.columns);
  const Partition partition(p.b.columns, blocks.size(0), p.s.tiles.columns(), 1);
  const TileRows<T> a(p.s, p.a);
  parallel_for(partition.tasks(), [&](Index i) {
    const Region part{0, p.a.rows, partition.begin(i), partition.begin(i + 1)};
    for (Index block = 0; block < blocks.count(); ++block) {
      const Panels<T> b(p.s, p.b, block, block + 1, part.left, part.right);
      b.pack_all();
      run_block(p, a, b, part, block);
    }
  });
  sketch_all(p);
}

/// A small c over a long depth: every block of depth is a task; then the blocks' sums are added in order.
template <class T>
void run_by_depth(const Product<T>& p) {
  const Index m = p.a.rows, n = p.b.columns;
  const KBlocks blocks(p.a.columns);
  const Buffer<T> sums(blocks.count() * m * n);
  parallel_for(blocks.count(), [&](Index i) {
    const Index q = blocks.begin(i), depth = blocks.size(i);
    const Product<T> block{p.s,
                           {p.a.data + q * p.a.column_stride, m, depth, p.a.row_stride, p.a.column_stride},
                           {p.b.data + q * p.b.row_stride, depth, n, p.b.row_stride, p.b.column_stride},
                           sums.data() + i * m * n,
                           n,
                           {}};
    const Panels<T> b(block.s, block.b, 0, 1, 0, n);
    b.pack_all();
    run_block(block, TileRows<T>(block.s, block.a), b, {0, m, 0, n}, 0);
  });
  parallel_chunks(m, kFewestTiles * p.s.tiles.rows, [&](Index top, Index bottom) {
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

}  // namespace

template <class T>
void gemm(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> epilogue) {
  const Product<T> p{simd<T>(), a, b, c, c_stride, epilogue};
  const Index m = a.rows, n = b.columns, k = a.columns;
  const bool sketches = epilogue.sketches.sketch.count > 0;
  check(!sketches || a.column_stride == 1, "gemm: sketches need rows that lie in one piece");
  count_multiply_adds(m * (n + (sketches ? 1 : 0)) * k);
  const bool by_depth = m * n <= kSmallProduct && KBlocks(k).count() >= kManyBlocks,
             thin = k > 0 && is_thin(p.s, a, b);
  const bool plain = m > 0 && n > 0 && k > 0 && !thin && !by_depth;
  const bool many_rows = m >= n || (m >= kTasks * p.s.tiles.rows && n <= kWidest);
  if (plain) return many_rows ? run_by_rows(p) : run_by_columns(p);
  sketch_all(p);
  if (m == 0 || n == 0) return;
  if (by_depth && !thin) return run_by_depth(p);
  if (k > 0)
    thin_gemm(p.s, a, b, c, c_stride, epilogue.add);
  else if (!epilogue.add)
    for (Index i = 0; i < m; ++i) std::fill_n(c + i * c_stride, n, T{0});
  const Epilogue<T> e = p.epilogue_at(0, 0);
  if (e.any()) p.s.epilogue(m, n, c, c_stride, e);
}

template <class T>
void sampled_gemm(Index count, const Index* i, const Index* j, Matrix<T> a, Matrix<T> b, T* sums) {
  const Simd<T>& s = simd<T>();
  const KBlocks blocks(a.rows);
  count_multiply_adds(count * a.rows);
  parallel_chunks(count, 256, [&](Index begin, Index end) {
    for (Index block = 0; block < blocks.count(); ++block) {
      const Index p = blocks.begin(block);
      s.dots(end - begin, i + begin, j + begin, blocks.size(block), a.data + p * a.row_stride, a.row_stride,
             b.data + p * b.row_stride, b.row_stride, sums + begin, block > 0);
    }
  });
}

template <class T>
void gemm_plain(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> e) {
  const KBlocks blocks(a.columns);
  for (Index i = 0; i < a.rows; ++i) {
    for (Index j = 0; j < b.columns; ++j) {
      const Index at = i * c_stride + j;
      T sum = e.add ? c[at] : 0;
      for (Index block = 0; block < blocks.count(); ++block) {
        T part = 0;
        for (Index q = blocks.begin(block); q < blocks.begin(block + 1); ++q) {
          part +=
              a.data[i * a.row_stride + q * a.column_stride] * b.data[q * b.row_stride + j * b.column_stride];
        }
        sum += part;
      }
      if (e.bias) sum += e.bias[j];
      if (e.before_gelu) e.before_gelu[at] = sum;
      if (e.gelu) sum *= std::erfc(-sum * static_cast<T>(std::sqrt(0.5))) / 2;
      if (e.factors) sum *= e.factors[i];
      c[at] = e.residual ? e.residual[at] + sum : sum;
    }
  }
}

Index multiply_adds() {
  return multiply_adds_done.load(std::memory_order_relaxed);
}

void count_multiply_adds(Index count) {
  multiply_adds_done.fetch_add(count, std::memory_order_relaxed);
}

template void gemm(Matrix<float>, Matrix<float>, float*, Index, Epilogue<float>);
template void gemm(Matrix<double>, Matrix<double>, double*, Index, Epilogue<double>);
template void sampled_gemm(Index, const Index*, const Index*, Matrix<float>, Matrix<float>, float*);
template void sampled_gemm(Index, const Index*, const Index*, Matrix<double>, Matrix<double>, double*);
template void gemm_plain(Matrix<float>, Matrix<float>, float*, Index, Epilogue<float>);
template void gemm_plain(Matrix<double>, Matrix<double>, double*, Index, Epilogue<double>);

}  // namespace engine::kernels
