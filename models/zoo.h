#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/vit.h"

namespace models {

/// What a name such as "vit_base_patch16_224" says of a model: a row of models/architectures.def.
struct Architecture {
  const char* name;
  Index parameters;    ///< of timm's default checkpoint, with as many classes as that has
  const char* beyond;  ///< what it has beyond Vit, in words: "parallel block"; empty: nothing
  VitConfig config;
};

/// Every architecture that is known by name, whether or not it can be made.
std::span<const Architecture> known_architectures();
/// The row of that name; nullptr when there is none.
const Architecture* find_architecture(std::string_view name);
/// Throws an Error that names the architecture and what it has beyond Vit.
void check_can_be_made(const Architecture& architecture);

/// The names of those that can be made.
std::vector<std::string> architecture_names();

/// What a name such as "vit_base_patch16_224" stands for. Throws an Error with the nearest names, or one that
/// says why no such model can be made.
VitConfig architecture(const std::string& name);

/// The timm name of this model whatever the classes, the shortest where there are several, or a description
/// such as "vit_96w_6d_patch4_28" when it has none.
std::string architecture_name(const VitConfig& config);

/// What a model is beside what the shapes of its tensors say; nothing where nobody states it.
struct Facts {
  std::optional<Index> heads = {}, pool_heads = {};
  std::optional<double> norm_eps = {};
  std::optional<engine::Activation> activation = {};
  std::optional<Pooling> pooling = {};
  std::optional<RopeConfig> rope = {};
  std::optional<Index> image_height = {}, image_width = {};
  std::optional<Resampling> resampling = {};
  std::optional<bool> distillation_head = {};
  std::optional<bool> pooled_norm = {};     ///< the one norm at the end stands behind the pooling
  std::optional<Positions> positions = {};  ///< which tokens have an entry, where the number leaves a choice
};
/// Those of a config.
Facts facts_of(const VitConfig& config);

/// The heads of a model of which only its width and parts are known: those of torchvision's model of that
/// width, otherwise width / 64. Throws an Error where a known model of that width and these parts has others,
/// or 64 does not divide it.
Index usual_heads(const VitConfig& config, bool torchvision);

/// True when two models have the same parts, whatever their sizes and what their tensors do not say.
bool same_parts(const VitConfig& a, const VitConfig& b);

/// Reads the architecture from the shapes of a checkpoint with timm's names, and from `facts`, what its
/// config or metadata states. Without heads they are the usual_heads(); without a pooling it follows from the
/// tensors; all else is a plain ViT's. Without head.weight, classes is 0. The depth is the highest block
/// number + 1, whatever is missing before it. Throws an Error when a tensor that gives a size is missing or
/// the sizes make no network.
VitConfig config_from_shapes(const std::map<std::string, engine::Shape>& shapes, const Facts& facts,
                             bool torchvision = false);

}  // namespace models
