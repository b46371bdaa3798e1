#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/transforms.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "models/vit.h"
#include "tools/training/pretrained/model_config.h"

/// What files tell in their metadata of how a model is used, as text, and back.
namespace training {

/// Preprocessing as JSON.
std::string preprocessing_json(const data::Preprocessing& how);
/// That JSON with all fields, where it leaves out those that earlier versions did not have.
engine::Json complete_preprocessing(engine::Json json);
/// Throws an Error that begins with `what`.
data::Preprocessing read_preprocessing(const std::string& json, const std::string& what);

/// The names in a JSON list of one or more. Throws an Error that begins with `what`.
std::vector<std::string> read_name_list(const std::string& json, const std::string& what);

/// A rotary position embedding as JSON, and back. Throws an Error that begins with `what`.
std::string rope_json(const models::RopeConfig& rope);
models::RopeConfig read_rope(const std::string& json, const std::string& what);

/// What a model computes beside what its tensors say: num_heads, norm_eps, activation, pooling and
/// position_resizing, and where the model has them rope, pool_heads, positions, pooled_norm and
/// distillation_head, as a delta and a merged file have it in their metadata.
engine::Metadata model_metadata(const models::VitConfig& config);
/// All the keys that it may have.
std::span<const char* const> model_metadata_keys();

/// True for the metadata of a file that merge (or tools/demo) has written.
bool written_by_us(const engine::Metadata& metadata);

/// What the metadata of a checkpoint state. Of a file that others have written only what has our form counts;
/// the rest is noted. Throws an Error that begins with `file`.
ModelConfig read_metadata(const engine::Metadata& metadata, const std::string& file);

}  // namespace training
