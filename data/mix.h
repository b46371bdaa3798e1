#pragma once

#include <span>

#include "data/image.h"
#include "engine/tensor/random.h"
#include "engine/tensor/tensor.h"

namespace data {

using engine::Random;
using engine::Tensor;

/// How one batch is mixed with its own reverse, as timm does in batch mode: image i with image n - 1 - i.
struct Mixing {
  double lambda = 1;  ///< the share of the image's own label
  Box box = {};       ///< cutmix: the pixels that come from the partner; empty for mixup

  friend bool operator==(const Mixing&, const Mixing&) = default;
};

/// Draws for a batch of this size: mixup with lambda ~ Beta(mixup, mixup), or cutmix with a box of area
/// 1 - lambda, lambda ~ Beta(cutmix, cutmix) and then corrected to the pixels the box really covers; either
/// half of the time when both are above 0.
Mixing draw_mixing(double mixup, double cutmix, Index height, Index width, Random& random);

/// Mixes `images`, [n, channels, height, width] in f32, in place.
void mix(Tensor& images, const Mixing& mixing);

/// The label of every image as a distribution, [n, classes]: lambda for its own class, the rest for its
/// partner's.
Tensor mixed_targets(std::span<const Index> labels, Index classes, double lambda);

}  // namespace data
