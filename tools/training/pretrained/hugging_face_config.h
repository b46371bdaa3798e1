#pragma once

#include "engine/io/json.h"
#include "tools/training/pretrained/model_config.h"

namespace training {

/// Reads Hugging Face's config.json. With a model_type, what is left out is transformers' default of that
/// type; a type that is not computed is refused by name.
ModelConfig read_hugging_face_config(const engine::Json& json);

}  // namespace training
