#pragma once

#include "tools/training/sealed_file.h"

namespace fuzz {

/// Writes the tensors and the metadata of a safetensors file as a sealed one: what a stranger has changed in
/// a run's own file, and hashed again.
inline void seal(const engine::Safetensors& input, const std::filesystem::path& path) {
  engine::NamedTensors tensors;
  for (const std::string& name : input.names()) tensors.emplace_back(name, input.read(name));
  training::write_sealed(path, tensors, input.metadata());
}

}  // namespace fuzz
