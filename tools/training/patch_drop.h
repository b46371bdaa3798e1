#pragma once

#include "data/batch.h"
#include "engine/ops/kept_patches.h"

namespace training {

using engine::Index;

/// Leaves out patches of images at random while training and scoring (PatchDropout, Liu et al. 2022).
struct PatchDrop {
  double rate = 0;  ///< the share that is left out, in [0, 1)
  std::uint64_t seed = 0;

  /// The patches of `patches` that are kept of an image: max(1, floor(patches (1 - rate))), as timm has it.
  Index kept_count(Index patches) const;
  /// Those kept of the images of a batch, [views * n]: the first view of all, then the second. They hang on
  /// the seed, the epoch, the image's position in the data set and the view alone. All at rate 0.
  engine::KeptPatches kept(const std::vector<Index>& samples, Index epoch, Index patches,
                           Index views = 1) const;
};

}  // namespace training
