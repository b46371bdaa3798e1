#pragma once

#include "engine/tensor/tensor.h"

namespace engine {

/// Adds d(loss)/d(parameter), in the form that the parameter accumulates, to the gradient of every parameter
/// that `loss`, one value, depends on, and frees the graph as it goes. Throws when the loss depends on no
/// parameter that trains, and when a rule leaves out a gradient that is needed, naming the op.
void backward(const Tensor& loss);
/// The same from the gradient `dy` of any tensor y, shaped like it.
void backward(const Tensor& y, const Tensor& dy);

}  // namespace engine
