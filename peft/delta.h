#pragma once

#include <filesystem>
#include <map>

#include "engine/io/safetensors.h"
#include "peft/method.h"

namespace peft {

/// Parts of a model, what its method has moved, as tensors: a whole parameter under its name; a part as
/// "<name>.rows", ".columns" or ".elements" (I64) and "<name>.values", the values themselves, so that writing
/// them over the base restores the tuned model bit for bit.
engine::NamedTensors delta_of(engine::Module& model, const PartsByName& parts);

/// Writes a delta over the base in `model` and marks the same parts as training. Throws an Error that names
/// the tensor when a name is unknown, a part lies outside or a shape does not fit; nothing is changed then.
/// Only names that begin with `prefix` count, without it.
void apply_delta(engine::Module& model, const engine::Safetensors& delta, const std::string& prefix = "");

/// Parts without their values, for read_parts(): a whole parameter is an empty tensor.
engine::NamedTensors part_tensors(const PartsByName& parts);

/// The chosen units as tensors: "<name>.rows", ".columns" or ".elements" (I64) and "<name>.score" (F32).
engine::NamedTensors selection_tensors(const std::vector<Choice>& choices);

/// The parts in a selection or delta file: parameter name to selection; whole parameters as Selection::all().
/// Only names that begin with `prefix` count, without it.
PartsByName read_parts(const engine::Safetensors& file, const std::string& prefix = "");

}  // namespace peft
