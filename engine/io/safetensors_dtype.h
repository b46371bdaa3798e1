#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/tensor/dtype.h"

namespace engine {

/// A type of value in safetensors files.
struct SafetensorsDtype {
  std::string_view name;
  std::uint64_t bits;
  std::optional<Dtype> dtype;  ///< the tensor type that holds it, where there is one
  int position;                ///< in the format's list, which decides the order of tensors in a file
};

/// The type of that exact name, or nothing.
const SafetensorsDtype* find_safetensors_dtype(std::string_view name);
/// The type that a tensor's values are written as.
const SafetensorsDtype& safetensors_dtype(Dtype dtype);

}  // namespace engine
