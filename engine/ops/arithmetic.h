#pragma once

#include "engine/tensor/tensor.h"

namespace engine {

/// a + b, of the same shape.
Tensor add(const Tensor& a, const Tensor& b);
/// a b, value by value, of the same shape.
Tensor multiply(const Tensor& a, const Tensor& b);
/// factor x.
Tensor scale(const Tensor& x, double factor);
/// x [n, ...] with entry i of the first axis multiplied by factors[i]; `factors` [n] is not trained. Drop
/// path is this with factors 0 and 1 / (1 - rate) (Huang et al. 2016).
Tensor scale_samples(const Tensor& x, const Tensor& factors);
/// factor x + shift over the last axis: x [..., width], factor and shift [width]; without a shift when it is
/// empty.
Tensor affine(const Tensor& x, const Tensor& factor, const Tensor& shift = {});

}  // namespace engine
