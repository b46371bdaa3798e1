#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "engine/io/safetensors.h"
#include "engine/nn/state.h"
#include "tests/engine/io/temporary_folder.h"
#include "tools/training/pretrained/model_source.h"

namespace training {

/// A folder with a small checkpoint: 16 x 16 images in patches of 8, width 24, 2 blocks, hidden width 48, a
/// head of 5 rows. Nothing in it says how many heads it has.
class SmallCheckpoint : public engine::TemporaryFolder {
 public:
  explicit SmallCheckpoint(const engine::Metadata& metadata = {}) { write(state(), metadata); }

  static models::VitConfig sizes() {
    models::VitConfig sizes;
    sizes.image_height = sizes.image_width = 16, sizes.patch = 8;
    sizes.width = 24, sizes.depth = 2, sizes.heads = 3, sizes.hidden = 48, sizes.classes = 5;
    return sizes;
  }
  static engine::NamedTensors state(const models::VitConfig& config = sizes()) {
    models::Vit model(config);
    models::initialize(model, 1);
    engine::NamedTensors copies;
    for (const auto& [name, tensor] : engine::state(model)) copies.emplace_back(name, tensor.clone());
    return copies;
  }
  void write(const engine::NamedTensors& tensors, const engine::Metadata& metadata = {}) const {
    engine::write_safetensors(*this / "model.safetensors", tensors, metadata);
  }

  /// Loads it, and keeps the notes about it.
  LoadedModel load(const ModelSource& options = {}, bool with_head = true) {
    notes.clear();
    ModelSource source = options;
    source.model = path();
    source.threads = 1;
    const auto keep = [this](const std::string& line) {
      if (line.starts_with("note: ")) notes.push_back(line);
    };
    return load_model(source, {.on_note = keep}, with_head);
  }
  /// What loading it complains of; empty when it loads.
  std::string error(const ModelSource& options = {}, bool with_head = true) {
    try {
      load(options, with_head);
      return {};
    } catch (const engine::Error& e) {
      return e.what();
    }
  }
  bool noted(const std::string& text) const {
    return std::ranges::any_of(notes, [&](const std::string& note) { return note.find(text) != note.npos; });
  }

  std::vector<std::string> notes;
};

}  // namespace training
