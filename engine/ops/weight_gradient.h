#pragma once

#include <vector>

#include "engine/autograd/record.h"

namespace engine {

/// What the gradient of a weight [out, in] reads of x [n, in]: all its columns, those that the trained part
/// needs, or a sketch of every row.
struct KeptInput {
  Kept x;                      ///< [n, in], [n, columns.size()] or [n, sums of the sketch]
  bool all = true;             ///< x has all its columns
  std::vector<Index> columns;  ///< ascending; the columns of x that are kept when not all are
};

/// What the gradient of `part` of a weight with `in` columns reads of x [..., in]; nothing when no part
/// trains.
KeptInput keep_input(const Tensor& x, const Selection& part, Index in);

/// dw = dy^T x for a weight of shape `w`, seen as [out, in], and only the part that trains: dy[:, rows]^T x,
/// dy^T x[:, columns], or sampled products.
Grad weight_gradient(const Tensor& dy, const KeptInput& kept, const Selection& part, const Shape& w);

/// a^T b for a [n, rows] and b [n, columns].
Tensor transposed_product(const Tensor& a, Index rows, const Tensor& b, Index columns);

}  // namespace engine
