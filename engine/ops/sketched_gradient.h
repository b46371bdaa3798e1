#pragma once

#include "engine/autograd/record.h"
#include "engine/kernels/gemm.h"

namespace engine {

// The gradient of a weight w [out, in] as a count sketch R, for scoring. With dw = dy^T x,
//
//   of its rows      dw R^T = dy^T (x R^T)
//   of its columns   R dw   = (dy R^T)^T x
//
// so that neither dw nor its arithmetic is needed. The rows of x are sketched while the forward product reads
// them, those of dy while dx = dy w does.

/// The sketches [n, r] of the rows of a matrix [n, columns], made by a product that reads these rows.
class SketchedRows {
 public:
  /// Room for the sketches of the rows of `t`; none when `sketch` is null.
  SketchedRows(const Tensor& t, const CountSketch* sketch);

  /// What has a product t b make them on the way; nothing when there are none.
  template <class T>
  kernels::RowSketches<T> on_the_way();
  /// Makes them without a product.
  void make(const Tensor& t);
  /// [n, r]; empty when there are none.
  const Tensor& values() const { return values_; }

 private:
  const CountSketch* sketch_;
  Tensor values_;
};

/// The sketches of x's rows that the gradient of w will read in place of x; none when that is no row sketch.
SketchedRows sketches_to_keep(const Tensor& x, const Tensor& w);

/// True when the gradient of input 1 of a linear op, the weight, is accumulated as a sketch.
bool sketches_weight(const Needs& needs);
/// Then its rule: dx = dy w, if that is needed, in grads[0] and the sketch of dw in grads[1]. `x` is kept, or
/// the sketches of its rows; the weight's shape is `w_shape`, and `w` may be empty when there is no need of
/// dx.
void sketched_gradients(const Tensor& dy, const Needs& needs, const Kept& x, const Shape& x_shape,
                        const Tensor& w, const Shape& w_shape, Grads& grads);

}  // namespace engine
