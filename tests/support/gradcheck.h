#pragma once

#include <functional>

#include "engine/ops/arithmetic.h"
#include "engine/ops/reduce.h"
#include "tests/support/random_tensor.h"

namespace support {

/// One value that depends on all of `y`, on each to another degree: a wrong place or sign cannot cancel out.
inline engine::Tensor weighted_sum(const engine::Tensor& y, std::uint64_t stream = 77) {
  return engine::sum(engine::multiply(y, random_tensor(y.shape(), stream, y.dtype())));
}

/// d(loss)/d(value) by central differences; `value` is f64, and is changed and restored value by value.
inline engine::Tensor central_differences(engine::Tensor& value, const std::function<double()>& loss) {
  constexpr double kStep = 1e-5;  // the cube root of the rounding error: both errors near 1e-10
  engine::Tensor gradient = engine::Tensor::uninitialized(value.shape(), engine::Dtype::f64);
  for (std::size_t i = 0; i < value.data<double>().size(); ++i) {
    double& x = value.data<double>()[i];
    const double before = x;
    x = before + kStep;
    const double up = loss();
    x = before - kStep;
    const double down = loss();
    x = before;
    gradient.data<double>()[i] = (up - down) / (2 * kStep);
  }
  return gradient;
}

}  // namespace support
