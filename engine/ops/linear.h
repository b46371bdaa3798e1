#pragma once

#include "engine/tensor/tensor.h"

namespace engine {

/// y[..., out] = x[..., in] w^T + b. `w` is seen as a matrix [out, in], so a convolution's kernel [out, c, h,
/// w] will do; `b` [out] may be empty. Of dw only the part that trains is computed, and of x only the columns
/// that part reads are kept: nothing when w is frozen.
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b = {});

/// What is saved for the backward pass: an activation, or only what it takes to recompute it.
enum class Save { activation, recompute };

/// gelu(linear(x, w, b)) in one pass over memory, to the same bits. What GELU is applied to is the largest
/// tensor of a transformer block; when it is recomputed, the product is made once more.
Tensor linear_gelu(const Tensor& x, const Tensor& w, const Tensor& b = {}, Save save = Save::activation);

/// residual + linear(x, w, b), or with `factors` [x's first axis], residual + scale_samples(linear(x, w, b),
/// factors), in one pass over memory, to the same bits. `residual` is shaped like the result.
Tensor linear_residual(const Tensor& residual, const Tensor& x, const Tensor& w, const Tensor& b = {},
                       const Tensor& factors = {});

}  // namespace engine
