#include "engine/kernels/gemm.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "engine/kernels/panels.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"
#include "engine/kernels/thin_gemm.h"

namespace engine::kernels {
namespace {

std::atomic<Index> multiply_adds_done{0};

constexpr Index kTileBuffer = 512;    // at least the numbers of a tile of every instruction set
constexpr Index kMostTilesDown = 16;  // in a block of rows: with its packed rows it stays in the second cache
constexpr Index kFewestTasks = 16;    // so that several threads have as much to do
constexpr Index kPanelNumbers = 1 << 21;  // of b packed at a time: they stay in the last cache

Index pieces(Index count, Index size) {
  return (count + size - 1) / size;
}

/// Where piece `i` of `count` things cut into `parts` equal parts begins.
Index cut(Index count, Index parts, Index i) {
  return count * i / parts;
}

/// How the tiles of c are dealt out: `down` blocks of rows, each in `across` parts.
struct Tasks {
  Index down, across;
};

/// The cut with at least kFewestTasks tasks, where c has that many tiles, which moves the fewest numbers: a
/// block of rows is packed once for every part, and all of b streams by once for every block of rows. Twice
/// as much weight is given to the former, which is a transpose as a rule.
Tasks cut_into_tasks(Index rows, Index columns, Index tiles, Index panels) {
  Tasks best{std::max(pieces(tiles, kMostTilesDown), std::min(tiles, kFewestTasks)), 1};
  const auto cost = [&](const Tasks& t) { return t.down * columns + 2 * t.across * rows; };
  for (Index across = 2; across <= std::min(panels, kFewestTasks); across *= 2) {
    const Tasks t{std::max(pieces(tiles, kMostTilesDown), std::min(tiles, kFewestTasks / across)), across};
    if (cost(t) < cost(best) || best.down * best.across < kFewestTasks) best = t;
  }
  return best;
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

/// Rows [first, last) and columns [left, right) of c over the blocks of depth that `panels` holds.
template <class T>
void run_task(const Product<T>& p, const Panels<T>& panels, Index begin, Index end, Index first, Index last,
              Index left, Index right) {
  const Index step = p.s.tiles.rows;
  const Matrix<T> across = p.a.transposed();
  const Buffer<T> packed((last - first + step) * kDepth);
  for (Index q = begin; q < end; q += kDepth) {
    const Index depth = panels.depth(q);
    for (Index i = first; i < last; i += step)
      pack(p.s, across, q, depth, i, std::min(step, last - i), step, packed.data() + (i - first) * depth);
    const bool add = p.epilogue.add || q > 0, done = q + depth == p.a.columns;
    for (Index j = left; j < right; j += p.s.tiles.columns()) {
      const Index width = panels.width(j);
      for (Index i = first; i < last; i += step)
        run_tile(p, depth, packed.data() + (i - first) * depth, panels.at(q, j), width, i, j, add);
      const Finish<T> finish = p.finish_at(first, j);
      if (done && finish.any())
        p.s.finish(last - first, std::min(width, p.b.columns - j), p.c + first * p.c_stride + j, p.c_stride,
                   finish);
    }
  }
}

template <class T>
void run(const Product<T>& p) {
  const Index m = p.a.rows, n = p.b.columns, k = p.a.columns;
  const Index tiles = pieces(m, p.s.tiles.rows), across = pieces(n, p.s.tiles.columns());
  const Tasks tasks = cut_into_tasks(m, n, tiles, across);
  const Index rows_at_once = std::max<Index>(1, kPanelNumbers / n / kDepth) * kDepth;
  for (Index begin = 0; begin < k; begin += rows_at_once) {
    const Index end = std::min(k, begin + rows_at_once);
    const Panels<T> panels(p.s, p.b, begin, end);
    parallel_for(tasks.down * tasks.across, [&](Index task) {
      const Index i = task / tasks.across, j = task % tasks.across;
      const auto row = [&](Index block) {
        return std::min(m, cut(tiles, tasks.down, block) * p.s.tiles.rows);
      };
      const auto column = [&](Index part) {
        return std::min(n, cut(across, tasks.across, part) * p.s.tiles.columns());
      };
      run_task(p, panels, begin, end, row(i), row(i + 1), column(j), column(j + 1));
    });
  }
}

}  // namespace

template <class T>
void gemm(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> epilogue) {
  const Product<T> p{simd<T>(), a, b, c, c_stride, epilogue};
  const Index m = a.rows, n = b.columns, k = a.columns;
  count_multiply_adds(m * n * k);
  if (m == 0 || n == 0) return;
  if (k > 0 && !is_thin(p.s, a, b)) return run(p);
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
  const Index k = a.rows;
  count_multiply_adds(count * k);
  std::fill_n(sums, count, T{0});
  parallel_chunks(count, 256, [&](Index begin, Index end) {
    for (Index p = 0; p < k; p += kDepth) {
      s.dots(end - begin, i + begin, j + begin, std::min(kDepth, k - p), a.data + p * a.row_stride,
             a.row_stride, b.data + p * b.row_stride, b.row_stride, sums + begin, p > 0);
    }
  });
}

template <class T>
void gemm_plain(Matrix<T> a, Matrix<T> b, T* c, Index c_stride, Epilogue<T> e) {
  for (Index i = 0; i < a.rows; ++i) {
    for (Index j = 0; j < b.columns; ++j) {
      const Index at = i * c_stride + j;
      T sum = e.add ? c[at] : 0;
      for (Index p = 0; p < a.columns; p += kDepth) {
        T block = 0;
        for (Index q = p; q < std::min(a.columns, p + kDepth); ++q) {
          block +=
              a.data[i * a.row_stride + q * a.column_stride] * b.data[q * b.row_stride + j * b.column_stride];
        }
        sum += block;
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
