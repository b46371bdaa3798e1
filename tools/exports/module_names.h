#pragma once

#include <string>
#include <vector>

#include "models/vit_config.h"
#include "tools/exports/formats.h"

namespace exports {

/// A module of another library that computes some rows of a linear layer here: part `part` of `parts`.
struct ModuleRows {
  std::string name;  ///< "vit.layers.0.attention.k_proj"
  engine::Index part = 0, parts = 1;
};

/// The linear layers of a model as its own library has them in memory, where peft finds them.
class ModuleNames {
 public:
  /// Throws an Error with another way out for a base whose library peft cannot adapt: only timm and
  /// transformers build models that it finds by these names.
  explicit ModuleNames(const Exported& exported);

  /// The modules of the layer `site`, "blocks.0.attn.qkv". Throws an Error with another way out where there
  /// is none, or where the library reads the layer's weight without calling the layer.
  std::vector<ModuleRows> of(const std::string& site) const;
  /// That of a head, "head" or "head_dist".
  std::string of_head(const std::string& head) const;
  /// True where "mlp.fc1" can only be the end of a block's modules: of no attention pool's, for one.
  bool ends_are_of_blocks() const;
  /// "timm" or "transformers".
  const std::string& library() const { return library_; }

 private:
  struct HuggingFace;

  models::VitConfig config_;
  std::string library_;
  const HuggingFace* hugging_face_ = nullptr;  ///< of the model type; nullptr: timm's names
};

}  // namespace exports
