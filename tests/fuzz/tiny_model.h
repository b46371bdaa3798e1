#pragma once

#include "models/vit.h"

namespace fuzz {

/// The sizes of the model that deltas and checkpoints of runs belong to: of make_seeds' `base`.
inline models::VitConfig tiny_config() {
  models::VitConfig c;
  c.image_height = c.image_width = 4, c.patch = 2, c.channels = 3, c.width = 4, c.depth = 1, c.heads = 2,
  c.hidden = 3, c.classes = 2;
  return c;
}

}  // namespace fuzz
