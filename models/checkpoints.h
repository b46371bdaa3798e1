#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/check.h"

namespace models {

/// A checkpoint that others have published: a row of models/checkpoints.def. None comes with this program.
struct PublishedCheckpoint {
  const char* tag;        ///< the architecture, a dot, and how it was trained
  engine::Index classes;  ///< 0: it has no head
  engine::Index image_height, image_width;
  std::array<double, 3> mean, std;
  double crop_pct;
  const char *crop_mode, *interpolation;  ///< timm's words
  const char* hub_id;                     ///< on the Hugging Face hub; empty: not there
  const char* license;                    ///< of the weights, as timm has it
};

/// All that are known, by tag.
std::span<const PublishedCheckpoint> published_checkpoints();
/// The one of that tag ("vit_small_patch14_dinov2.lvd142m"); nullptr when there is none.
const PublishedCheckpoint* find_checkpoint(std::string_view tag);
/// Those of an architecture.
std::vector<const PublishedCheckpoint*> checkpoints_of(std::string_view architecture);

/// What stands before the dot of a tag; all of a name without one.
std::string_view architecture_of(std::string_view tag);

}  // namespace models
