#include "data/transforms.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/text.h"

namespace data {
namespace {

constexpr std::array<std::string_view, 4> kModes = {"squash", "crop", "squash-crop", "longest"};
constexpr std::array<std::string_view, 2> kCropStarts = {"half-even", "floor"};
constexpr Index kMaxSize = 8192;
constexpr float kMaxScale = 1e6f;

/// The value of an enum by its name in a list of all.
template <class Value, std::size_t n>
Value named(const std::array<std::string_view, n>& names, std::string_view name, const char* what) {
  for (std::size_t i = 0; i < n; ++i)
    if (names[i] == name) return static_cast<Value>(i);
  throw Error(what + (": '" + std::string(name)) + "' is not one of " +
              engine::join(std::vector<std::string>(names.begin(), names.end()), ", "));
}

/// The sides an image is resized to before its centre is cut out.
std::pair<Index, Index> sides_before_crop(const Image& image, const Preprocessing& how) {
  const Index edge = static_cast<Index>(std::floor(static_cast<double>(how.size) / how.crop_pct));
  if (how.mode == Preprocessing::Mode::squash_crop) return {edge, edge};
  const Index short_in = std::min(image.width, image.height), long_in = std::max(image.width, image.height);
  check(short_in > 0, "resize: the image is empty");
  const Index long_out =
      static_cast<Index>(static_cast<double>(edge * long_in) / static_cast<double>(short_in));
  const bool upright = image.width <= image.height;
  return {upright ? edge : long_out, upright ? long_out : edge};
}

/// The centre of an image, to be cut out.
Box centre_of(Index width, Index height, const Preprocessing& how) {
  if (how.crop_start == Preprocessing::CropStart::half_even)
    return centre_box(width, height, how.size, how.size);
  return {(width - how.size) / 2, (height - how.size) / 2, how.size, how.size};
}

/// The whole image in the middle of a black square: OpenCLIP's ResizeKeepRatio(longest = 1), which rounds as
/// Python does, and CenterCropOrPad.
Image fit_whole(const Image& image, const Preprocessing& how) {
  const double ratio =
      static_cast<double>(std::max(image.width, image.height)) / static_cast<double>(how.size);
  const auto scaled = [&](Index side) {
    return std::clamp(static_cast<Index>(std::nearbyint(static_cast<double>(side) / ratio)), Index{1},
                      how.size);
  };
  const Image inner = resize(image, scaled(image.width), scaled(image.height), how.filter);
  Image out(how.size, how.size);
  const Index left = (how.size - inner.width) / 2, top = (how.size - inner.height) / 2;
  for (Index y = 0; y < inner.height; ++y)
    std::copy_n(inner.row(y), inner.width * 3, out.row(top + y) + left * 3);
  return out;
}

}  // namespace

Preprocessing::Mode mode_named(std::string_view name) {
  return named<Preprocessing::Mode>(kModes, name, "resize");
}

std::string_view name_of(Preprocessing::Mode mode) {
  return kModes[static_cast<std::size_t>(mode)];
}

bool cuts_out(Preprocessing::Mode mode) {
  return mode == Preprocessing::Mode::crop || mode == Preprocessing::Mode::squash_crop;
}

Preprocessing::CropStart crop_start_named(std::string_view name) {
  return named<Preprocessing::CropStart>(kCropStarts, name, "crop_start");
}

std::string_view name_of(Preprocessing::CropStart start) {
  return kCropStarts[static_cast<std::size_t>(start)];
}

void check_preprocessing(const Preprocessing& how) {
  check(how.size > 0 && how.size <= kMaxSize, "preprocessing: the image size must be 1 to", kMaxSize,
        "and not", how.size);
  // Below, the image to cut from would be over a hundred times as wide as what is cut.
  check(how.crop_pct >= 0.01 && how.crop_pct <= 1, "preprocessing: crop_pct must be 0.01 to 1 and not",
        how.crop_pct);
  for (float mean : how.mean)
    check(std::abs(mean) <= kMaxScale, "preprocessing: a mean must be -1e6 to 1e6, not", mean);
  // Below, pixels become numbers that no network has seen: its logits overflow, and the weights are blamed.
  for (float std : how.std)
    check(std >= 1 / kMaxScale && std <= kMaxScale, "preprocessing: a std must be above 0, 1e-6 to 1e6, not",
          std == 0 ? "0 or next to it" : engine::say(std));
}

Image turned(Image image, const Preprocessing& how) {
  return how.exif_rotate ? upright(std::move(image)) : image;
}

Image fit(const Image& image, const Preprocessing& how) {
  check(image.width > 0 && image.height > 0, "resize: the image is empty");
  if (how.mode == Preprocessing::Mode::squash) return resize(image, how.size, how.size, how.filter);
  if (how.mode == Preprocessing::Mode::longest) return fit_whole(image, how);
  const auto [width, height] = sides_before_crop(image, how);
  return resize(image, width, height, how.filter, centre_of(width, height, how));
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
  normalize(fit(turned(image, how), how), how, out.data<float>());
  return out;
}

}  // namespace data
