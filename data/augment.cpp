#include "data/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "data/color.h"
#include "engine/base/text.h"

namespace data {
namespace {

constexpr double kSmallestArea = 0.08, kLargestArea = 1;
constexpr double kSmallestRatio = 3.0 / 4.0, kLargestRatio = 4.0 / 3.0;

Index rounded(double x) {
  return static_cast<Index>(std::nearbyint(x));
}

Image maybe_flip(Image image, Random& random) {
  return random.uniform() < 0.5 ? flip(image) : std::move(image);
}

/// ColorJitter(0.4, 0.4, 0.4, 0.1): four changes of random strength in random order.
Image jitter(Image image, Random& random) {
  struct Change {
    Image (*apply)(const Image&, double);
    double low, high;
  };
  constexpr std::array<Change, 4> changes = {
      {{brightness, 0.6, 1.4}, {contrast, 0.6, 1.4}, {saturation, 0.6, 1.4}, {hue, -0.1, 0.1}}};
  for (Index i : random.permutation(changes.size())) {
    const Change& change = changes[static_cast<std::size_t>(i)];
    image = change.apply(image, random.uniform(change.low, change.high));
  }
  return image;
}

Image random_resized_crop(const Image& image, const Preprocessing& how, Random& random) {
  return resize(crop(image, random_box(image.width, image.height, random)), how.size.width, how.size.height,
                how.filter);
}

Image none(const Image& image, const Preprocessing& how, Random&) {
  return fit(image, how);
}

Image flipped(const Image& image, const Preprocessing& how, Random& random) {
  return maybe_flip(fit(image, how), random);
}

Image vtab(const Image& image, const Preprocessing& how, Random&) {
  return resize(image, how.size.width, how.size.height, how.filter);
}

Image fgvc(const Image& image, const Preprocessing& how, Random& random) {
  return maybe_flip(random_resized_crop(image, how, random), random);
}

Image simclr(const Image& image, const Preprocessing& how, Random& random) {
  Image view = fgvc(image, how, random);
  if (random.uniform() < 0.8) view = jitter(std::move(view), random);
  if (random.uniform() < 0.2) view = grayscale(view);
  return view;
}

constexpr std::array<Augmentation, 5> kAugmentations = {{
    {"none", "as in evaluation", none},
    {"flip", "as in evaluation, mirrored half of the time", flipped},
    {"vtab", "resized straight to the model's size", vtab},
    {"fgvc", "a random box of 8 to 100 % of the area, mirrored half of the time", fgvc},
    {"simclr", "fgvc, then colour jitter (80 %) and gray (20 %)", simclr},
}};

}  // namespace

std::span<const Augmentation> augmentations() {
  return kAugmentations;
}

const Augmentation& augmentation_named(std::string_view name) {
  std::vector<std::string> names;
  for (const Augmentation& augmentation : kAugmentations) {
    if (augmentation.name == name) return augmentation;
    names.emplace_back(augmentation.name);
  }
  throw Error("augment: '" + std::string(name) + "' is not one of " + engine::join(names, ", ") +
              engine::did_you_mean(name, names));
}

Box random_box(Index width, Index height, Random& random) {
  const double area = static_cast<double>(width * height);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * random.uniform(kSmallestArea, kLargestArea);
    const double ratio = std::exp(random.uniform(std::log(kSmallestRatio), std::log(kLargestRatio)));
    const Index w = rounded(std::sqrt(target * ratio)), h = rounded(std::sqrt(target / ratio));
    if (w <= 0 || h <= 0 || w > width || h > height) continue;
    const Index top = random.below(height - h + 1), left = random.below(width - w + 1);
    return {left, top, w, h};
  }
  const double ratio = static_cast<double>(width) / static_cast<double>(height);
  Index w = width, h = height;
  if (ratio < kSmallestRatio) h = rounded(static_cast<double>(w) / kSmallestRatio);
  if (ratio > kLargestRatio) w = rounded(static_cast<double>(h) * kLargestRatio);
  return {(width - w) / 2, (height - h) / 2, w, h};
}

}  // namespace data
