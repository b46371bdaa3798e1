#pragma once

#include <span>

#include "engine/tensor/tensor.h"

namespace engine {

/// The tensor with its axes in another order, as a new tensor of any dtype: axis i of the result is axis
/// axes[i] of `t`. Not part of the graph.
Tensor permuted(const Tensor& t, std::span<const int> axes);

}  // namespace engine
