#pragma once

#include "engine/tensor/tensor.h"

namespace engine {

/// (x - mean) / sqrt(variance + eps) w + b over the last axis (Ba et al. 2016), variance with 1/n.
/// x [..., width], w and b [width].
Tensor layer_norm(const Tensor& x, const Tensor& w, const Tensor& b, double eps);

/// x / sqrt(mean(x^2) + eps) w over the last axis (Zhang and Sennrich 2019). x [..., width], w [width].
Tensor rms_norm(const Tensor& x, const Tensor& w, double eps);

/// Every row of x [n, width] divided by its length, or by 1e-12 when it is shorter.
Tensor normalize_rows(const Tensor& x);

}  // namespace engine
