#pragma once

#include <string>

#include "tools/training/pretrained/model_source.h"

namespace training {

/// The model of load_model() tuned by a delta: its head, classes and preprocessing, and its values over the
/// base's; without one (an empty path) the model itself. A delta that was made on another base is refused
/// unless `force`.
LoadedModel load_tuned_model(const ModelSource& source, const std::string& delta, bool force,
                             const Events& events = {});

}  // namespace training
