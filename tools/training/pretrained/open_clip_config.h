#pragma once

#include "engine/io/json.h"
#include "tools/training/pretrained/model_config.h"

namespace training {

/// Reads OpenCLIP's open_clip_config.json: what the tower of images is, by its own fields or by the name of a
/// timm model. What is left out is open_clip's default. Throws an Error for what is not computed.
ModelConfig read_open_clip_config(const engine::Json& json);

}  // namespace training
