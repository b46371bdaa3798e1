#include "engine/kernels/gemm.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>

#include "engine/kernels/panels.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"
#include "engine/kernels/thin_gemm.h"

namespace engine::kernels {
namespace {

std::atomic<Index> multiply_adds_done{0};

constexpr Index kTileBuffer = 512;         // at least the numbers of a tile of every instruction set
constexpr Index kSharedNumbers = 1 << 20;  // packed at a time for all tasks: they stay in the last cache
constexpr Index kOwnNumbers = 96 * 1024;   // packed by a task for itself: they stay in the second cache
constexpr Index kFewestTasks = 16;         // so that several threads have as much to do
constexpr Index kFewestTiles = 3;          // of rows in a task
constexpr Index kSmallProduct = 160 * 1024, kManyBlocks = 4;  // a small c over a long depth

Index pieces(Index count, Index size) {
  return (count + size - 1) / size;
}

/// One product and its place in memory.
template <class T>
struct Product {
  const Simd<T>& s;
  Matrix<T> a, b;
  T* c;
  Index c_stride;
  Epilogue<T> epilogue;

  Finish<T> finish_at(Index row, Index column) const {
    const Index at = row * c_stride + column;
    const Epilogue<T>& e = epilogue;
    return {e.bias ? e.bias + column : nullptr, e.before_gelu ? e.before_gelu + at : nullptr, e.gelu,
            e.factors ? e.factors + row : nullptr, e.residual ? e.residual + at : nullptr};
  }
};

/// One register tile of c; edges go through a buffer of a whole tile.
template <class T>
void run_tile(const Product<T>& p, Index depth, const T* a, const T* panel, Index width, Index row,
              Index column, bool add) {
  const Tiles<T>& tiles = p.s.tiles;
  const Index rows = std::min(tiles.rows, p.a.rows - row), columns = std::min(width, p.b.columns - column);
  T* c = p.c + row * p.c_stride + column;
  const RunTile<T> run = tiles.run[width / tiles.lanes - 1];
  if (rows == tiles.rows && columns == width)
    return run(depth, a, tiles.rows, panel, width, c, p.c_stride, add);
  alignas(kAlignment) T whole[kTileBuffer];
  run(depth, a, tiles.rows, panel, width, whole, width, false);
  for (Index r = 0; r < rows; ++r) {
    for (Index j = 0; j < columns; ++j) {
      T& to = c[r * p.c_stride + j];
      to = add ? to + whole[r * width + j] : whole[r * width + j];
    }
  }
}

/// A part of c.
struct Part {
  Index top, bottom, left, right;
};

/// Adds the products of a block of depth to a part of c. The side that is not shared stays in the second
/// cache and goes by in the inner loop.
template <class T>
void run_block(const Product<T>& p, const Panels<T>& a, const Panels<T>& b, const Part& part, Index block,
               bool rows_inside) {
  const Depths depths(p.a.columns);
  const Index depth = depths.size(block), down = p.s.tiles.rows, across = p.s.tiles.columns();
  const bool add = p.epilogue.add || block > 0, done = block + 1 == depths.count();
  const auto finish = [&](Index top, Index bottom, Index left, Index right) {
    const Finish<T> how = p.finish_at(top, left);
    if (done && how.any())
      p.s.finish(bottom - top, right - left, p.c + top * p.c_stride + left, p.c_stride, how);
  };
  if (rows_inside) {
    for (Index j = part.left; j < part.right; j += across) {
      for (Index i = part.top; i < part.bottom; i += down)
        run_tile(p, depth, a.at(block, i), b.at(block, j), b.width(j), i, j, add);
      finish(part.top, part.bottom, j, std::min(part.right, j + across));
    }
  } else {
    for (Index i = part.top; i < part.bottom; i += down) {
      for (Index j = part.left; j < part.right; j += across)
        run_tile(p, depth, a.at(block, i), b.at(block, j), b.width(j), i, j, add);
      finish(i, std::min(part.bottom, i + down), part.left, part.right);
    }
  }
}

template <class T>
Panels<T> rows_of(const Product<T>& p, Index first, Index last, Index top, Index bottom) {
  return {p.s, p.a.transposed(), first, last, top, bottom, p.s.tiles.rows, p.s.tiles.rows};
}

template <class T>
Panels<T> columns_of(const Product<T>& p, Index first, Index last, Index left, Index right) {
  return {p.s, p.b, first, last, left, right, p.s.tiles.columns(), p.s.tiles.lanes};
}

/// Who packs what of a product, and how much at a time.
template <class T>
struct Plan {
  explicit Plan(const Product<T>& p)
      : by_rows(p.a.rows >= p.b.columns),
        step(by_rows ? p.s.tiles.rows : p.s.tiles.columns()),
        tiles(pieces(by_rows ? p.a.rows : p.b.columns, step)),
        tasks(std::max(pieces(tiles, std::max<Index>(1, kOwnNumbers / kDepth / step)),
                       std::min(pieces(tiles, by_rows ? kFewestTiles : 1), kFewestTasks))),
        blocks(std::max<Index>(1, kSharedNumbers / std::min(p.a.rows, p.b.columns) / kDepth)) {}

  /// c by parts of its longer side.
  Part part(const Product<T>& p, Index task) const {
    const Index first = tiles * task / tasks * step, last = tiles * (task + 1) / tasks * step;
    return by_rows ? Part{first, std::min(p.a.rows, last), 0, p.b.columns}
                   : Part{0, p.a.rows, first, std::min(p.b.columns, last)};
  }
  /// The shorter side, packed for all tasks.
  Panels<T> shared(const Product<T>& p, Index first, Index last) const {
    return by_rows ? columns_of(p, first, last, 0, p.b.columns) : rows_of(p, first, last, 0, p.a.rows);
  }
  /// What a task packs of the longer side for itself.
  Panels<T> own(const Product<T>& p, const Part& part, Index block) const {
    return by_rows ? rows_of(p, block, block + 1, part.top, part.bottom)
                   : columns_of(p, block, block + 1, part.left, part.right);
  }

  bool by_rows;
  Index step, tiles;  ///< of the longer side
  Index tasks;
  Index blocks;  ///< of depth, packed at a time
};

/// The mixtures of some rows of a.
template <class T>
void mix(const Product<T>& p, Index top, Index bottom) {
  const Mixtures<T>& m = p.epilogue.mixtures;
  if (m.count > 0)
    p.s.mix_rows(bottom - top, p.a.columns, p.a.data + top * p.a.row_stride, p.a.row_stride, m.count, m.mix,
                 m.mixed + top * m.count);
}

template <class T>
void run_task(const Product<T>& p, const Plan<T>& plan, const Panels<T>& shared, const Part& part,
              Index first, Index last) {
  for (Index block = first; block < last; ++block) {
    const Panels<T> own = plan.own(p, part, block);
    own.pack_all();
    run_block(p, plan.by_rows ? own : shared, plan.by_rows ? shared : own, part, block, plan.by_rows);
  }
  if (plan.by_rows && last == Depths(p.a.columns).count()) mix(p, part.top, part.bottom);  // still near
}

template <class T>
void mix_all(const Product<T>& p) {
  constexpr Index kRows = 64;
  parallel_chunks(p.a.rows, kRows, [&](Index begin, Index end) { mix(p, begin, end); });
}

/// A small c over a long depth: every block of depth is a task, which packs both sides for itself; then the
/// blocks' sums are added in order.
template <class T>
void run_by_depth(const Product<T>& p) {
  const Index m = p.a.rows, n = p.b.columns;
  const Depths depths(p.a.columns);
  const Buffer<T> sums(depths.count() * m * n);
  parallel_for(depths.count(), [&](Index i) {
    const Index q = depths.begin(i), depth = depths.size(i);
    const Product<T> block{p.s,
                           {p.a.data + q * p.a.column_stride, m, depth, p.a.row_stride, p.a.column_stride},
                           {p.b.data + q * p.b.row_stride, depth, n, p.b.row_stride, p.b.column_stride},
                           sums.data() + i * m * n,
                           n,
                           {}};
    const Panels<T> a = rows_of(block, 0, 1, 0, m), b = columns_of(block, 0, 1, 0, n);
    a.pack_all();
    b.pack_all();
    run_block(block, a, b, {0, m, 0, n}, 0, true);
  });
  parallel_chunks(m, kFewestTiles * p.s.tiles.rows, [&](Index top, Index bottom) {
    for (Index row = top; row < bottom; ++row) {
      T* const c = p.c + row * p.c_stride;
      if (!p.epilogue.add) std::copy_n(sums.data() + row * n, n, c);
      for (Index i = p.epilogue.add ? 0 : 1; i < depths.count(); ++i)
        p.s.add(n, c, sums.data() + (i * m + row) * n, c);
    }
    const Finish<T> finish = p.finish_at(top, 0);
    if (finish.any()) p.s.finish(bottom - top, n, p.c + top * p.c_stride, p.c_stride, finish);
  });
}

/// While tasks multiply some blocks of depth, the shorter side of the next blocks is packed.
template <class T>
void run(const Product<T>& p) {
  const Plan<T> plan(p);
  const Index blocks = Depths(p.a.columns).count();
  const auto last_of = [&](Index first) { return std::min(blocks, first + plan.blocks); };
  std::optional<Panels<T>> now(plan.shared(p, 0, last_of(0)));
  parallel_for(now->pieces(), [&](Index i) { now->pack_piece(i); });
  for (Index first = 0; first < blocks; first += plan.blocks) {
    const Index last = last_of(first);
    std::optional<Panels<T>> next;
    if (last < blocks) next.emplace(plan.shared(p, last, last_of(last)));
    parallel_for(plan.tasks + (next ? next->pieces() : 0), [&](Index i) {
      if (i < plan.tasks)
        run_task(p, plan, *now, plan.part(p, i), first, last);
      else
        next->pack_piece(i - plan.tasks);
    });
    now = std::move(next);
  }
  if (!plan.by_rows) mix_all(p);
}

}  // namespace

template <class T>
void gemm(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> epilogue) {
  const Product<T> p{simd<T>(), a, b, c, c_stride, epilogue};
  const Index m = a.rows, n = b.columns, k = a.columns;
  check(epilogue.mixtures.count == 0 || a.column_stride == 1,
        "gemm: mixtures need rows that lie in one piece");
  count_multiply_adds(m * (n + epilogue.mixtures.count) * k);
  const bool by_depth = m * n <= kSmallProduct && Depths(k).count() >= kManyBlocks,
             thin = k > 0 && is_thin(p.s, a, b);
  const bool plain = m > 0 && n > 0 && k > 0 && !thin && !by_depth;
  if (plain) return run(p);
  mix_all(p);
  if (m == 0 || n == 0) return;
  if (by_depth && !thin) return run_by_depth(p);
  if (k > 0)
    thin_gemm(p.s, a, b, c, c_stride, epilogue.add);
  else if (!epilogue.add)
    for (Index i = 0; i < m; ++i) std::fill_n(c + i * c_stride, n, T{0});
  const Finish<T> finish = p.finish_at(0, 0);
  if (finish.any()) p.s.finish(m, n, c, c_stride, finish);
}

template <class T>
void sampled_gemm(Index count, const Index* i, const Index* j, Matrix<T> a, Matrix<T> b, T* sums) {
  const Simd<T>& s = simd<T>();
  const Depths depths(a.rows);
  count_multiply_adds(count * a.rows);
  std::fill_n(sums, count, T{0});
  parallel_chunks(count, 256, [&](Index begin, Index end) {
    for (Index block = 0; block < depths.count(); ++block) {
      const Index p = depths.begin(block);
      s.dots(end - begin, i + begin, j + begin, depths.size(block), a.data + p * a.row_stride, a.row_stride,
             b.data + p * b.row_stride, b.row_stride, sums + begin, block > 0);
    }
  });
}

template <class T>
void gemm_plain(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> e) {
  const Depths depths(a.columns);
  for (Index i = 0; i < a.rows; ++i) {
    for (Index j = 0; j < b.columns; ++j) {
      const Index at = i * c_stride + j;
      T sum = e.add ? c[at] : 0;
      for (Index block = 0; block < depths.count(); ++block) {
        T part = 0;
        for (Index q = depths.begin(block); q < depths.begin(block + 1); ++q) {
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
