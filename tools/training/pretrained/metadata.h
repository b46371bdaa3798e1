#pragma once

#include <string>
#include <vector>

#include "data/transforms.h"

/// What files tell in their metadata of how a model is used, as text, and back.
namespace training {

/// Preprocessing as JSON.
std::string preprocessing_json(const data::Preprocessing& how);
/// Throws an Error that begins with `what`.
data::Preprocessing read_preprocessing(const std::string& json, const std::string& what);

/// The names in a JSON list. Throws an Error that begins with `what`.
std::vector<std::string> read_class_list(const std::string& json, const std::string& what);

}  // namespace training
