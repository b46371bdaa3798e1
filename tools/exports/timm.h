#pragma once

#include "engine/io/json.h"
#include "tools/exports/formats.h"

namespace exports {

/// A folder that timm (`local-dir:`), transformers (TimmWrapper) and this program read by one config.json:
/// an architecture of timm's, with what the model has otherwise in model_args.
Format timm_format();

/// Its config.json. What read_timm_config() makes of it is the model to the last part, and the preprocessing.
/// Throws an Error, with another way out, where timm has no such model or cannot prepare images so.
engine::Json timm_config(const Exported& exported);

}  // namespace exports
