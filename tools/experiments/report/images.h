#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "data/dataset.h"

namespace experiments {

/// Opens the split of a run's data again, as its config.json tells where it lies; nothing, and a note that
/// says why, when it is no longer there.
std::shared_ptr<const data::Dataset> reopen_split(const nlohmann::ordered_json& config,
                                                  const std::string& split);

/// Gives every object of the list `mistakes` that names a `file` of the split its `image`: a small JPEG as
/// a data URI. What cannot be had is left out.
void add_images(nlohmann::ordered_json& mistakes, const data::Dataset& split);

}  // namespace experiments
