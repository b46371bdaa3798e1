#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/transforms.h"
#include "engine/io/json.h"
#include "tools/training/train_config.h"

namespace training {

/// How OpenCLIP prepares images by its open_clip_config.json: preprocess_cfg, for images of the size of
/// model_cfg.vision_cfg. Nothing where there is no preprocess_cfg. What it leaves out is open_clip's default.
/// Fields that are not known are added to `notes`. Throws an Error for what is not computed.
std::optional<data::Preprocessing> read_open_clip_preprocessing(const engine::Json& json,
                                                                const std::string& file,
                                                                const ModelSource& options,
                                                                std::vector<std::string>& notes);

}  // namespace training
