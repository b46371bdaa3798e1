#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/transforms.h"
#include "engine/io/safetensors.h"

namespace training {

/// What a checkpoint states beside its tensors.
struct ModelConfig {
  std::optional<engine::Index> heads;
  std::optional<double> norm_eps;
  std::vector<std::string> classes;
  std::optional<data::Preprocessing> preprocessing;  ///< nothing when no file has it
};

/// Reads config.json in timm's or Hugging Face's form, preprocessor_config.json and the file's metadata,
/// whatever is there. Throws an Error naming the file and the field when one makes no sense.
ModelConfig read_model_config(const std::filesystem::path& folder, const engine::Metadata& metadata,
                              const std::string& file);

}  // namespace training
