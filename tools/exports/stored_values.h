#pragma once

#include <optional>
#include <string>

#include "engine/tensor/named_tensors.h"
#include "models/dialects/translator.h"
#include "tools/training/pretrained/model_source.h"

namespace exports {

/// "f32", "f16" or "bf16": what was asked for, or where nothing was, what every weight of the base is stored
/// in; f32 where they differ.
std::string dtype_to_store(const training::LoadedModel& model, const std::string& asked);

/// The values in that type, rounded to the nearest, ties to even; in f32 the same buffers. Throws an Error
/// that names the tensor with a value that f16 does not reach.
engine::NamedTensors stored_as(engine::NamedTensors tensors, const std::string& dtype);

/// What the base's file calls its tensors; nothing for random weights and names of no dialect.
std::optional<models::Layout> layout_of(const training::LoadedModel& model);

/// The model's tensors under the base's own names, those of `layout`, without what wrappers of models leave
/// before them and without what stands beside the classifier in the file.
engine::NamedTensors in_names_of_base(training::LoadedModel& model, const models::Layout& layout);

/// The metadata of a whole model's weights: a format, and the cut that it was trained on where there was one.
engine::Metadata metadata_of_weights(const training::LoadedModel& model);

}  // namespace exports
