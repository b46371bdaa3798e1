#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "tools/training/pretrained/model_source.h"

namespace training {

/// What identifies a model before it is tuned: the hash of its weights, and what files beside them hold.
nlohmann::ordered_json identity_of(const LoadedModel& base);

/// What two runs must have in common for one to go on with the other or to stand for it: the options that
/// change what is computed, the base (its identity), and the images that are trained on (the hash of their
/// classes, and of name and class of each).
nlohmann::ordered_json identity_of(const nlohmann::ordered_json& options, const nlohmann::ordered_json& base,
                                   const std::vector<std::string>& classes, const data::Dataset& images);

/// The fields of an identity or a config.json under the names they have today: earlier runs wrote three of
/// them with other words.
nlohmann::ordered_json with_present_names(nlohmann::ordered_json fields);

}  // namespace training
