#pragma once

#include "engine/nn/module.h"
#include "engine/tensor/named_tensors.h"

namespace engine {

/// The values of all parameters, in checkpoint order. They share the parameters' buffers.
NamedTensors state(Module& root);

/// Copies `state` over the parameters of the same names, converted to their dtype. Throws one Error that
/// lists every missing and unexpected name, every one of the wrong shape with both shapes, and every one that
/// holds whole numbers; nothing is changed then.
void load_state(Module& root, const NamedTensors& state, std::string_view what);
/// The same, but tensors of the right dtype that nothing else holds become the parameters' values as they
/// are, without a copy: values read from a file are then where they belong.
/// A tensor that shared a parameter's buffer before shares it no more.
void load_state(Module& root, NamedTensors&& state, std::string_view what);

/// Throws an Error "what has 2 of 12 values that are NaN or infinite as f32, the first at index 5" for a
/// floating tensor that has such values when it is turned into `dtype`.
void check_finite(const Tensor& tensor, Dtype dtype, std::string_view what);

}  // namespace engine
