#pragma once

#include "engine/base/check.h"

namespace engine::kernels {

/// Sizes of images [batch, channels, height, width] cut into square patches of side `patch`.
struct PatchShape {
  Index batch, channels, height, width, patch;
  Index down() const { return height / patch; }
  Index across() const { return width / patch; }
};

/// Copies images into patches [batch, down * across, channels * patch * patch]: the rows that a convolution
/// with stride = kernel = patch multiplies.
template <class T>
void to_patches(const PatchShape& s, const T* images, T* patches);

/// The way back: every value of the images from its place in the patches.
template <class T>
void from_patches(const PatchShape& s, const T* patches, T* images);

}  // namespace engine::kernels
