#pragma once

#include "engine/io/json.h"
#include "tools/training/pretrained/model_config.h"

namespace training {

/// True for a config.json in one of timm's forms: of the hub (pretrained_cfg inside), flat (its fields in the
/// root, as old files have them), and with transformers' TimmWrapper around it.
bool is_timm_config(const engine::Json& json);

/// Reads it. What a model is follows from the architecture's name, which model_args override; what is left
/// out of pretrained_cfg is timm's default.
ModelConfig read_timm_config(const engine::Json& json, const ModelSource& options);

}  // namespace training
