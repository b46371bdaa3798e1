#pragma once

#include <string>
#include <vector>

#include "data/transforms.h"
#include "engine/io/json.h"
#include "tools/training/train_config.h"

namespace training {

/// How a Hugging Face image processor prepares images: its preprocessor_config.json, or the image_processor
/// in a processor_config.json. What the file leaves out is the default of the class that it names (ViT's
/// where it names none and cuts nothing out); a class that is not known must leave out nothing. Fields that
/// are not known, and what is done another way to within a level of a pixel, are added to `notes`. Throws an
/// Error for what this engine does another way.
data::Preprocessing read_image_processor(const engine::Json& json, const std::string& file,
                                         const ModelSource& options, std::vector<std::string>& notes);

}  // namespace training
