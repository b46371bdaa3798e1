#pragma once

#include <string_view>

#include "engine/base/check.h"

namespace engine::kernels {

/// The inner loops, compiled once per instruction set. All run on one thread, touch only the ranges named,
/// accept any alignment, and treat every number alike wherever it stands: cutting a range in two never
/// changes a bit.
template <class T>
struct Simd {
  std::string_view name;

  /// The register tile of the matrix product: `tile_rows` by `tile_columns` sums over `depth`.
  Index tile_rows, tile_columns;
  /// c[r, j] (+)= sum over p of a[p, r] b[p, j]. `a` and `b` are packed panels, [depth, tile_rows] and
  /// [depth, tile_columns]; `add` keeps what `c` holds.
  void (*tile)(Index depth, const T* a, const T* b, T* c, Index c_stride, bool add);
  /// sums[e] (+)= sum over p of a[p, i[e]] b[p, j[e]], added in the order that `tile` uses.
  void (*dots)(Index count, const Index* i, const Index* j, Index depth, const T* a, Index a_stride,
               const T* b, Index b_stride, T* sums, bool add);

  /// y = x Phi(x) with the normal distribution's Phi: the exact GELU (Hendrycks and Gimpel 2016).
  void (*gelu)(Index n, const T* x, T* y);
  /// dx = dy (Phi(x) + x phi(x)).
  void (*gelu_backward)(Index n, const T* x, const T* dy, T* dx);

  /// One row of LayerNorm: y = (x - mean) rstd w + b with rstd = 1 / sqrt(variance + eps).
  void (*layer_norm)(Index n, const T* x, const T* w, const T* b, T eps, T* y, T* mean, T* rstd);
  /// dx = rstd (g - mean(g) - xhat mean(g xhat)) with g = dy w and xhat = (x - mean) rstd.
  void (*layer_norm_backward)(Index n, const T* x, const T* w, const T* dy, T mean, T rstd, T* dx);

  /// Replaces a row by softmax(scale row) and returns log(sum(exp(scale row))).
  T (*softmax)(Index n, T scale, T* row);
  /// Replaces a row by exp(scale row - log_sum): a softmax seen before.
  void (*softmax_again)(Index n, T scale, T log_sum, T* row);
  /// p = scale p (dp - dot): the gradient of the scores from the probabilities `p`.
  void (*softmax_backward)(Index n, T scale, T dot, const T* dp, T* p);

  /// Sum of a[i] b[i].
  T (*dot)(Index n, const T* a, const T* b);
  /// y += a x.
  void (*axpy)(Index n, T a, const T* x, T* y);

  /// `rounds` rounds of `registers` multiply-adds that need no memory and do not wait for each other; the
  /// sum of their results, so that none is left out.
  Index registers;
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
