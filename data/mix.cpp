#include "data/mix.h"

#include <algorithm>
#include <cmath>

namespace data {
namespace {

/// A box with `share` of the area around a random centre, cut off at the border (timm's rand_bbox).
Box draw_box(double share, Index height, Index width, Random& random) {
  const double side = std::sqrt(share);
  const Index h = static_cast<Index>(static_cast<double>(height) * side);
  const Index w = static_cast<Index>(static_cast<double>(width) * side);
  const Index y = random.below(height), x = random.below(width);
  const Index top = std::max(y - h / 2, Index{0}), bottom = std::min(y + h / 2, height);
  const Index left = std::max(x - w / 2, Index{0}), right = std::min(x + w / 2, width);
  return {left, top, right - left, bottom - top};
}

}  // namespace

Mixing draw_mixing(double mixup, double cutmix, Index height, Index width, Random& random) {
  check(mixup >= 0 && cutmix >= 0, "mixup and cutmix must be at least 0, not", mixup, "and", cutmix);
  if (mixup == 0 && cutmix == 0) return {};
  const bool cut = mixup == 0 || (cutmix > 0 && random.uniform() < 0.5);
  const double lambda = random.beta(cut ? cutmix : mixup);
  if (!cut) return {lambda, {}};
  const Box box = draw_box(1 - lambda, height, width, random);
  return {1 - static_cast<double>(box.width * box.height) / static_cast<double>(height * width), box};
}

void mix(Tensor& images, const Mixing& mixing) {
  check(images.shape().rank() == 4, "mix: images must be [n, channels, height, width], not", images.shape());
  const Index n = images.shape()[0], planes = images.shape()[1];
  const Index height = images.shape()[2], width = images.shape()[3], size = planes * height * width;
  if (size == 0 || mixing.lambda == 1) return;
  float* const all = images.data<float>().data();
  const Box& box = mixing.box;

  // Both of a pair at once, so that neither sees the other already mixed.
  if (box.width > 0) {
    for (Index i = 0; i < n / 2; ++i)
      for (Index row = 0; row < planes * box.height; ++row) {
        const Index plane = row / box.height, y = box.top + row % box.height;
        const Index offset = (plane * height + y) * width + box.left;
        std::swap_ranges(all + i * size + offset, all + i * size + offset + box.width,
                         all + (n - 1 - i) * size + offset);
      }
    return;
  }
  const float own = static_cast<float>(mixing.lambda), other = static_cast<float>(1 - mixing.lambda);
  for (Index i = 0; i < (n + 1) / 2; ++i) {
    float *a = all + i * size, *b = all + (n - 1 - i) * size;
    for (Index k = 0; k < size; ++k) {
      const float x = a[k], y = b[k];
      a[k] = x * own + y * other;
      b[k] = y * own + x * other;
    }
  }
}

Tensor mixed_targets(std::span<const Index> labels, Index classes, double lambda) {
  const std::size_t n = labels.size();
  Tensor targets = Tensor::zeros({static_cast<Index>(n), classes});
  float* row = targets.data<float>().data();
  for (std::size_t i = 0; i < n; ++i, row += classes) {
    const Index own = labels[i], partner = labels[n - 1 - i];
    check(own >= 0 && own < classes, "mix: label", own, "does not fit", classes, "classes");
    row[own] += static_cast<float>(lambda);
    row[partner] += static_cast<float>(1 - lambda);
  }
  return targets;
}

}  // namespace data
