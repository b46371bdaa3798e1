#pragma once

#include <string>

#include "engine/base/text.h"
#include "engine/io/safetensors.h"
#include "engine/nn/state.h"
#include "models/vit.h"

namespace support {

/// The sizes in the metadata of vit_a.safetensors and vit_b.safetensors.
inline models::VitConfig golden_config(const engine::Safetensors& file) {
  const auto number = [&](const char* key) { return engine::parse_integer(file.metadata().at(key), key); };
  models::VitConfig config;
  config.image_height = config.image_width = number("image_size"), config.patch = number("patch_size");
  config.width = number("width"), config.depth = number("depth"), config.heads = number("num_heads");
  config.hidden = number("mlp_hidden"), config.classes = number("num_classes");
  return config;
}

/// Copies the tensors of `file` that have the names of the model's parameters; the file may hold others.
inline void load_named(engine::Module& model, const engine::Safetensors& file) {
  engine::NamedTensors state;
  for (const auto& [name, parameter] : engine::parameters(model)) {
    if (file.contains(name)) state.emplace_back(name, file.read(name));
  }
  engine::load_state(model, state, file.path());
}

/// The small model of a golden file.
inline models::Vit golden_vit(const engine::Safetensors& file, engine::Dtype dtype = engine::Dtype::f32) {
  models::Vit model(golden_config(file));
  load_named(model, file);
  engine::convert(model, dtype);
  return model;
}

/// A list of class numbers, I64 in the file.
inline std::vector<engine::Index> labels_of(const engine::Safetensors& file,
                                            const std::string& name = "labels") {
  const engine::Tensor labels = file.read(name);
  return {labels.data<std::int64_t>().begin(), labels.data<std::int64_t>().end()};
}

}  // namespace support
