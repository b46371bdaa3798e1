#pragma once

#include <string_view>

#include "engine/io/safetensors_header.h"

namespace engine {

/// The metadata and tensors that the JSON text of a header names, in its order. `offset` and `bytes` of an
/// entry are still the two data_offsets as given, and nothing is known of the file yet.
/// Throws a SafetensorsError that begins with `what` for the rules up to tensor_count.
SafetensorsHeader read_safetensors_json(std::string_view text, std::string_view what,
                                        const SafetensorsLimits& limits);

}  // namespace engine
