#pragma once

#include <string>

#include "data/transforms.h"
#include "engine/tensor/named_tensors.h"
#include "models/vit_config.h"
#include "tools/training/pretrained/model_config.h"

namespace exports {

/// Where what a config makes of `state`, a model's tensors under timm's names, is another model than `c`, in
/// words: "the eps of the norms 1e-12, not 1e-06"; empty where it is the same. How positions are resized
/// does not count. Throws an Error where it makes no model of them.
std::string difference_of_parts(training::ModelConfig read, const engine::NamedTensors& state,
                                const models::VitConfig& c);

/// The same of how images are prepared, as far as an image shows it; how it is turned first does not count.
std::string difference_of_preprocessing(const data::Preprocessing& read, const data::Preprocessing& how);

/// The side lengths to which images are resized before they are cut.
data::ImageSize resized_size(const data::Preprocessing& how);

/// A value as people write it, in a double: 0.485 for 0.485f.
double plain(float value);

}  // namespace exports
