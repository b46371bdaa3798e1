#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/transforms.h"
#include "tools/training/train_config.h"

namespace training {

/// How images are prepared by the files beside the weights that say nothing else: the image_processor in
/// Hugging Face's processor_config.json, else its preprocessor_config.json, else OpenCLIP's
/// open_clip_config.json. Nothing where none is there. What `options` set is not judged; what was passed over
/// or is done another way is added to `notes`. Throws an Error that names file and field for what is not
/// computed.
std::optional<data::Preprocessing> read_preprocessing_files(const std::filesystem::path& folder,
                                                            const ModelSource& options,
                                                            std::vector<std::string>& notes);

}  // namespace training
