#pragma once

#include <span>
#include <string>
#include <vector>

#include "models/vit_config.h"

/// What a model has, in words made from its VitConfig.
namespace models {

/// A part of a model and what is there: "class token": "yes" or "no", "registers": "4", "MLP": "SwiGLU".
struct Part {
  const char* name;
  std::string (*word)(const VitConfig& config);
};

/// The parts that show in a model's tensors, in the order in which an image meets them.
std::span<const Part> parts_in_tensors();

/// What a model has otherwise than the ViT of 2020 (the defaults of VitConfig), whatever its sizes: "no class
/// token", "registers: 4", "MLP: SwiGLU". First what shows in its tensors, then what does not.
std::vector<std::string> features(const VitConfig& config);
/// Only what shows in its tensors.
std::vector<std::string> features_in_tensors(const VitConfig& config);

}  // namespace models
