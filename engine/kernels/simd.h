#pragma once

#include <string_view>

#include "engine/base/check.h"
#include "engine/kernels/activation.h"

namespace engine::kernels {

/// The rows of a register tile's left-hand side, in any layout.
template <class T>
struct Strided {
  const T* data;
  Index row_stride, column_stride;
};

/// c[r, j] (+)= sum over p of a[r, p] b[p, j], a chain of fused multiply-adds in the order of p; `add` keeps
/// what `c` holds and adds the sum to it.
template <class T>
using RunTile = void (*)(Index depth, Strided<T> a, const T* b, Index b_stride, T* c, Index c_stride,
                         bool add);

/// The register tiles of the matrix product: run[v - 1] fills `rows` by v * lanes sums.
template <class T>
struct Tiles {
  Index rows, lanes, vectors;
  RunTile<T> run[3];
  Index columns() const { return vectors * lanes; }  ///< of the widest
};

/// A tile of few rows and many columns, for products that have no more rows.
template <class T>
struct ThinTile {
  Index rows, columns;
  RunTile<T> run;
};

/// A count sketch of a row: `count` sums, each of some of the row's values with random signs. Values are
/// taken in groups of `count` (the last may be shorter), in descending order of the groups' shifts; value i
/// of a group goes to sum (i + shift) mod count.
template <class T>
struct Sketch {
  Index count = 0;
  Index groups = 0;
  const Index* first = nullptr;  ///< [groups], the column of a group's first value
  const Index* shift = nullptr;  ///< [groups], below count, descending
  const T* signs = nullptr;      ///< [columns], 1 or -1
};

/// Count sketches of the rows of a product's left-hand side a, computed while the product reads them.
template <class T>
struct RowSketches {
  Sketch<T> sketch;     ///< of as many values as a has columns; none is made when its count is 0
  T* values = nullptr;  ///< [rows of a, sketch.count]
};

/// What happens to a product on its way to memory: c = residual + factor scale activation(a b + bias). What
/// is not asked for is left out. `add` and `sketches` are work of the product itself; all else is done to a
/// block of c that is complete and still in the cache.
template <class T>
struct Epilogue {
  const T* bias = nullptr;  ///< [columns of c], added to every row
  bool add = false;         ///< c keeps what it holds, and the product is added
  Activation activation = Activation::none;
  T* before_activation = nullptr;  ///< keeps what goes into the activation, laid out as c
  const T* scale = nullptr;        ///< [columns of c], every column times its own
  const T* factors = nullptr;      ///< [rows of c], every row times its own
  const T* residual = nullptr;     ///< laid out as c
  RowSketches<T> sketches = {};    ///< what else is computed; a must be row-major

  /// True when something is done to complete blocks.
  bool any() const {
    return bias || before_activation || activation != Activation::none || scale || factors || residual;
  }
};

/// The inner loops, compiled once per instruction set. All run on one thread, touch only the ranges named,
/// accept any alignment, and treat every value alike wherever it stands: cutting a range in two never
/// changes a bit.
template <class T>
struct Simd {
  std::string_view name;

  Tiles<T> tiles;
  Tiles<T> short_tiles;  ///< the same, faster for a short depth
  ThinTile<T> thin[3];   ///< by growing rows
  /// sums[e] (+)= sum over p of a[p, i[e]] b[p, j[e]], added in the order that tiles use.
  void (*dots)(Index count, const Index* i, const Index* j, Index depth, const T* a, Index a_stride,
               const T* b, Index b_stride, T* sums, bool add);
  /// to[p, i] = from[i, p].
  void (*transpose)(Index rows, Index columns, const T* from, Index from_stride, T* to, Index to_stride);
  /// to[i, p] = from[i, p].
  void (*copy)(Index rows, Index columns, const T* from, Index from_stride, T* to, Index to_stride);
  /// Distributes the columns of rows over panels: to[i / width][p, i % width] = from[p, i], with `panel`
  /// values from one panel [rows, width] to the next. The width is tiles.columns(), and divides `columns`.
  void (*deal)(Index rows, Index columns, const T* from, Index from_stride, T* to, Index panel);
  /// The same with a width of tiles.rows: rows of a left-hand side that lies column by column.
  void (*deal_tile_rows)(Index rows, Index columns, const T* from, Index from_stride, T* to, Index panel);
  /// Does to a block of c what `e` asks for, in the order of its formula; its pointers are those of the
  /// block.
  void (*epilogue)(Index rows, Index columns, T* c, Index c_stride, const Epilogue<T>& e);

  /// y = activation(x); not of none.
  void (*activate)(Activation activation, Index n, const T* x, T* y);
  /// dx = dy activation'(x).
  void (*activate_backward)(Activation activation, Index n, const T* x, const T* dy, T* dx);

  /// One row of LayerNorm: y = (x - mean) rstd w + b with rstd = 1 / sqrt(variance + eps).
  void (*layer_norm)(Index n, const T* x, const T* w, const T* b, T eps, T* y, T* mean, T* rstd);
  /// dx = rstd (g - mean(g) - xhat mean(g xhat)) with g = dy w and xhat = (x - mean) rstd.
  void (*layer_norm_backward)(Index n, const T* x, const T* w, const T* dy, T mean, T rstd, T* dx);
  /// One row of RMSNorm: y = x rrms w with rrms = 1 / sqrt(mean(x^2) + eps).
  void (*rms_norm)(Index n, const T* x, const T* w, T eps, T* y, T* rrms);
  /// dx = rrms (g - xhat mean(g xhat)) with g = dy w and xhat = x rrms.
  void (*rms_norm_backward)(Index n, const T* x, const T* w, const T* dy, T rrms, T* dx);

  /// Sum of a[i] b[i].
  T (*dot)(Index n, const T* a, const T* b);
  /// y [rows, sketch.count] = the count sketch of every row of x [rows, columns].
  void (*sketch_rows)(Index rows, Index columns, const T* x, Index x_stride, const Sketch<T>& sketch, T* y);
  /// y = a + b.
  void (*add)(Index n, const T* a, const T* b, T* y);
  /// sums += the rows of x, one after the other.
  void (*add_rows)(Index rows, Index columns, const T* x, Index stride, T* sums);

  // Softmax down the columns of a matrix [rows, columns] whose columns are a multiple of tiles.lanes, with
  // `stride` values from row to row.
  /// s becomes exp(scale s - top) with the largest scaled value of each column; `log_sum_exp` [columns]
  /// becomes log(sum(exp(scale s))) and `inverse` what makes a softmax of s.
  void (*softmax)(Index rows, Index columns, T scale, T* s, Index stride, T* log_sum_exp, T* inverse);
  /// s becomes exp(scale s - log_sum_exp), at most 1: a softmax computed before, from its log-sum-exp.
  void (*softmax_from_lse)(Index rows, Index columns, T scale, const T* log_sum_exp, T* s, Index stride);
  /// dp becomes scale p (dp - dot): the gradient of the scores from the probabilities `p`.
  void (*softmax_backward)(Index rows, Index columns, T scale, const T* dot, const T* p, T* dp, Index stride);

  /// `rounds` rounds of `per_round` multiply-adds that need no memory and do not wait for each other; the
  /// sum of their results, so that none is left out.
  Index per_round;
  T (*multiply_add)(Index rounds, T factor, T shift);
};

/// The loops for this machine: AVX-512, AVX2 with FMA, or the baseline of the architecture.
template <class T>
const Simd<T>& simd();

/// The name of the instruction set in use.
std::string_view simd_name();
/// Picks one by name (for tests); false, and nothing changes, when this machine cannot run it.
bool use_simd(std::string_view name);

}  // namespace engine::kernels
