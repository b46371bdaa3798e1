#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "data/dataset.h"

namespace experiments {

/// Shows the user a line.
using Note = std::function<void(const std::string&)>;

/// Opens the split of a run's data again, at the place its config.json names. When it is no longer there:
/// nothing, and a note with the reason.
std::shared_ptr<const data::Dataset> reopen_split(const nlohmann::ordered_json& config,
                                                  const std::string& split, const Note& note);

/// Gives every object of the list `mistakes` that names a `file` of the split its `image`: a small JPEG as
/// a data URI, turned as the run of that config.json turned it. An image that cannot be read is left out,
/// with a note.
void add_images(nlohmann::ordered_json& mistakes, const nlohmann::ordered_json& config,
                const data::Dataset& split, const Note& note);

}  // namespace experiments
