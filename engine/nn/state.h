#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/nn/module.h"

namespace engine {

/// Tensors by name, in checkpoint order.
using State = std::vector<std::pair<std::string, Tensor>>;

/// The values of all parameters. They share the parameters' buffers.
State state(Module& root);

/// Copies `state` over the parameters of the same names, converted to their dtype. Throws one Error that
/// lists every missing and unexpected name, every one of the wrong shape with both shapes, and every one that
/// holds whole numbers; nothing is changed then.
void load_state(Module& root, const State& state, std::string_view what);
/// The same, but tensors of the right dtype that nothing else holds become the parameters' values as they
/// are, without a copy: numbers read from a file are then where they belong.
/// A tensor that shared a parameter's buffer before shares it no more.
void load_state(Module& root, State&& state, std::string_view what);

/// Throws an Error "what has 2 of 12 numbers that are NaN or infinite as f32, the first at index 5" for a
/// floating tensor that has such numbers when it is turned into `dtype`.
void check_finite(const Tensor& tensor, Dtype dtype, std::string_view what);

}  // namespace engine
