#pragma once

#include <span>
#include <string_view>

#include "data/image.h"
#include "data/transforms.h"
#include "engine/tensor/random.h"

namespace data {

using engine::Random;

/// A way to vary a training image: a pure function of the image, what the model expects and random
/// numbers. Its result is of `size` and not yet normalised.
struct Augmentation {
  std::string_view name;
  std::string_view summary;
  Image (*apply)(const Image& image, const Preprocessing& how, Random& random);
};

/// All of them: none, flip, vtab, fgvc, simclr.
std::span<const Augmentation> augmentations();

/// The one with this name; throws an Error that names the nearest otherwise.
const Augmentation& augmentation_named(std::string_view name);

/// The box that torchvision's RandomResizedCrop(scale = (0.08, 1), ratio = (3/4, 4/3)) cuts: ten tries, then
/// the largest central box with an allowed ratio.
Box random_box(Index width, Index height, Random& random);

}  // namespace data
