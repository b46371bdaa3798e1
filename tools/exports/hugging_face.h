#pragma once

#include "engine/io/json.h"
#include "tools/exports/formats.h"

namespace exports {

/// A folder in the form of transformers' save_pretrained(): config.json, preprocessor_config.json and
/// model.safetensors, of a base with Hugging Face's names, or of a plain ViT whatever its names were.
Format hugging_face_format();

/// Its config.json: the base's, with what the model has otherwise, or ViT's. What read_hugging_face_config()
/// makes of it is the model to the last part. `dtype` is one of torch's, "float32". Throws an Error, with
/// another way out, where transformers has no classifier that computes the model.
engine::Json hugging_face_config(const Exported& exported, const std::string& dtype);

/// preprocessor_config.json, of which read_image_processor() makes `how`. Throws an Error, with another way
/// out, for what no image processor does.
engine::Json image_processor_config(const data::Preprocessing& how);

}  // namespace exports
