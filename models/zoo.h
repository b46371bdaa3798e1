#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/vit.h"

namespace models {

/// timm's names of the architectures that can be made by name.
std::vector<std::string> architecture_names();

/// The sizes behind a name such as "vit_base_patch16_224". Throws an Error with the nearest names.
VitConfig architecture(const std::string& name);

/// The timm name of these sizes whatever the classes, or a description such as "vit_96w_6d_patch4_28"
/// when it has none.
std::string architecture_name(const VitConfig& config);

/// Reads the architecture from the shapes of a checkpoint with timm's names. `heads` is what the checkpoint's
/// config or metadata has; without it, width / 64. Without head.weight, classes is 0. The depth is the
/// highest block number + 1, whatever is missing before it. Throws an Error when a tensor that gives a size
/// is missing or the sizes make no network.
VitConfig config_from_shapes(const std::map<std::string, engine::Shape>& shapes,
                             std::optional<engine::Index> heads);

}  // namespace models
