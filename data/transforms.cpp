#include "data/transforms.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace data {
namespace {

constexpr std::array<std::string_view, 2> kModes = {"squash", "crop"};
constexpr Index kMaxSize = 8192;

}  // namespace

Preprocessing::Mode mode_named(std::string_view name) {
  for (std::size_t i = 0; i < kModes.size(); ++i)
    if (kModes[i] == name) return static_cast<Preprocessing::Mode>(i);
  throw Error("resize: '" + std::string(name) + "' is not one of squash, crop");
}

std::string_view name_of(Preprocessing::Mode mode) {
  return kModes[static_cast<std::size_t>(mode)];
}

void check_preprocessing(const Preprocessing& how) {
  check(how.size > 0 && how.size <= kMaxSize, "preprocessing: the image size must be 1 to", kMaxSize,
        "and not", how.size);
  // Below, the image to cut from would be over a hundred times as wide as what is cut.
  check(how.crop_pct >= 0.01 && how.crop_pct <= 1, "preprocessing: crop_pct must be 0.01 to 1 and not",
        how.crop_pct);
  for (float mean : how.mean) check(std::isfinite(mean), "preprocessing: a mean must be finite, not", mean);
  for (float std : how.std)
    check(std::isfinite(std) && std > 0, "preprocessing: a std must be above 0, not", std);
}

Image fit(const Image& image, const Preprocessing& how) {
  if (how.mode == Preprocessing::Mode::squash) return resize(image, how.size, how.size, how.filter);
  const Index short_in = std::min(image.width, image.height), long_in = std::max(image.width, image.height);
  check(short_in > 0, "resize: the image is empty");
  const Index short_out = static_cast<Index>(std::floor(static_cast<double>(how.size) / how.crop_pct));
  const Index long_out =
      static_cast<Index>(static_cast<double>(short_out * long_in) / static_cast<double>(short_in));
  const bool upright = image.width <= image.height;
  const Index width = upright ? short_out : long_out, height = upright ? long_out : short_out;
  return resize(image, width, height, how.filter, centre_box(width, height, how.size, how.size));
}

void normalize(const Image& image, const Preprocessing& how, std::span<float> out) {
  const std::size_t pixels = image.rgb.size() / 3;
  check(out.size() == image.rgb.size(), "normalize: an image of", image.width, "x", image.height,
        "does not fill", out.size(), "values");
  for (std::size_t c = 0; c < 3; ++c) {
    std::array<float, 256> value;
    for (std::size_t v = 0; v < value.size(); ++v)
      value[v] = (static_cast<float>(v) / 255.0f - how.mean[c]) / how.std[c];
    for (std::size_t i = 0; i < pixels; ++i) out[c * pixels + i] = value[image.rgb[i * 3 + c]];
  }
}

Tensor to_tensor(const Image& image, const Preprocessing& how) {
  check_preprocessing(how);
  Tensor out = Tensor::uninitialized({1, 3, how.size, how.size});
  normalize(fit(image, how), how, out.data<float>());
  return out;
}

}  // namespace data
