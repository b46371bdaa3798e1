#pragma once

#include <vector>

#include "engine/autograd/record.h"

namespace engine {

/// What the gradient of a weight [out, in] reads of x [n, in]: all its columns, those that the trained part
/// needs, or mixtures of them.
struct KeptInput {
  Kept x;                      ///< [n, in], [n, columns.size()] or [n, r]
  bool all = true;             ///< x has all its columns
  std::vector<Index> columns;  ///< ascending; the columns of x that are kept when not all are
};

/// What the gradient of `part` of a weight with `in` columns reads of x [..., in]; nothing when no part
/// trains. `mixed` holds the mixtures of x [n, r] when those are read, and is empty otherwise.
KeptInput keep_input(const Tensor& x, const Selection& part, Index in, const Tensor& mixed);

/// dw = dy^T x for a weight of shape `w`, seen as [out, in], and only the part that trains: dy[:, rows]^T x,
/// dy^T x[:, columns], or sampled products. The mixtures of dw are dy^T (x R^T) and (dy R^T)^T x; `mixed` is
/// dy R^T, empty when that is not asked for.
Grad weight_gradient(const Tensor& dy, const KeptInput& kept, const Selection& part, const Shape& w,
                     const Tensor& mixed);

}  // namespace engine
