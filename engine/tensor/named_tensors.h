#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/tensor/tensor.h"

namespace engine {

/// Tensors by name, in an order that means something: that of a checkpoint or of a file.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

}  // namespace engine
