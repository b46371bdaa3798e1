#pragma once

#include "engine/tensor/tensor.h"

namespace engine {

/// The sum of all values of x, as a tensor [1]; added in double precision in a fixed order.
Tensor sum(const Tensor& x);

}  // namespace engine
