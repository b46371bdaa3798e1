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
  engine::Index image_size, patch, width, depth, heads, hidden;
  bool qkv_bias;
  double norm_eps;
  const char *pooling, *activation;  ///< timm's words: token, avg, map; gelu, gelu_tanh, quick_gelu, silu
  const char*
      beyond;  ///< what it has beyond Vit, in words: "LayerScale ls1/ls2, registers 4"; empty: nothing
};

/// The pooling and the activation that Vit has, in the words of Architecture.
constexpr std::string_view kPooling = "token", kActivation = "gelu";

/// Every architecture that is known by name, whether or not it can be made.
std::span<const Architecture> known_architectures();
/// The row of that name; nullptr when there is none.
const Architecture* find_architecture(std::string_view name);
/// Throws an Error that names the architecture and what it has beyond Vit.
void check_can_be_made(const Architecture& architecture);

/// The names of those that can be made.
std::vector<std::string> architecture_names();

/// The sizes behind a name such as "vit_base_patch16_224". Throws an Error with the nearest names, or one
/// that says why no such model can be made.
VitConfig architecture(const std::string& name);

/// The timm name of these sizes whatever the classes, the shortest where there are several, or a description
/// such as "vit_96w_6d_patch4_28" when it has none.
std::string architecture_name(const VitConfig& config);

/// The heads of a model of which nothing but the width is known: those of torchvision's model of that width,
/// otherwise width / 64. Throws an Error where a known model of that width has others, or 64 does not divide
/// it.
engine::Index usual_heads(engine::Index width, bool torchvision);

/// Reads the architecture from the shapes of a checkpoint with timm's names. `heads` is what the checkpoint's
/// config or metadata has; without it they are the usual_heads(). Without head.weight, classes is 0. The
/// depth is the highest block number + 1, whatever is missing before it. Throws an Error when a tensor that
/// gives a size is missing or the sizes make no network.
VitConfig config_from_shapes(const std::map<std::string, engine::Shape>& shapes,
                             std::optional<engine::Index> heads, bool torchvision = false);

}  // namespace models
