#pragma once

#include "engine/tensor/tensor.h"

namespace engine {

/// Adds d(loss)/d(parameter), packed to the part that trains, to the gradient of every parameter that `loss`,
/// one number, depends on, and frees the graph as it goes. Throws when the loss depends on no parameter that
/// trains, and when a rule leaves out a gradient that is needed, naming the op.
void backward(const Tensor& loss);
/// The same from the gradient `slope` of any tensor, shaped like it.
void backward(const Tensor& y, const Tensor& slope);

}  // namespace engine
