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

/// How many times as large as `size` the sides of an image are.
PerSide<double> ratios(const Image& image, ImageSize size) {
  return {static_cast<double>(image.height) / static_cast<double>(size.height),
          static_cast<double>(image.width) / static_cast<double>(size.width)};
}

/// The side divided by a ratio, rounded as Python does.
Index scaled(Index side, double ratio) {
  return static_cast<Index>(std::nearbyint(static_cast<double>(side) / ratio));
}

/// The size at which an image just covers a square, cut off to whole pixels: torchvision's Resize, and
/// Hugging Face's by the shortest edge.
ImageSize covering_square(const Image& image, Index edge) {
  const Index short_in = std::min(image.width, image.height), long_in = std::max(image.width, image.height);
  const Index long_out =
      static_cast<Index>(static_cast<double>(edge * long_in) / static_cast<double>(short_in));
  const bool upright = image.width <= image.height;
  return {upright ? long_out : edge, upright ? edge : long_out};
}

/// The size an image is resized to before its centre is cut out.
ImageSize size_before_crop(const Image& image, const Preprocessing& how) {
  const auto before = [](Index side, double share) {
    return static_cast<Index>(std::floor(static_cast<double>(side) / share));
  };
  const ImageSize target{before(how.size.height, how.crop_pct.height),
                         before(how.size.width, how.crop_pct.width)};
  if (how.mode == Preprocessing::Mode::squash_crop) return target;
  if (target.is_single()) return covering_square(image, target.height);
  const PerSide<double> ratio = ratios(image, target);  // timm's ResizeKeepRatio
  const double smaller = std::min(ratio.height, ratio.width);
  return {scaled(image.height, smaller), scaled(image.width, smaller)};
}

/// The centre of an image, to be cut out.
Box centre_of(ImageSize image, const Preprocessing& how) {
  const auto [height, width] = how.size;
  if (how.crop_start == Preprocessing::CropStart::half_even)
    return centre_box(image.width, image.height, width, height);
  return {(image.width - width) / 2, (image.height - height) / 2, width, height};
}

/// The whole image in the middle of black: OpenCLIP's ResizeKeepRatio(longest = 1) and CenterCropOrPad.
Image fit_whole(const Image& image, const Preprocessing& how) {
  const PerSide<double> ratio = ratios(image, how.size);
  const double larger = std::max(ratio.height, ratio.width);
  const auto within = [&](Index side, Index most) {
    return std::clamp(scaled(side, larger), Index{1}, most);
  };
  const Image inner =
      resize(image, within(image.width, how.size.width), within(image.height, how.size.height), how.filter);
  Image out(how.size.width, how.size.height);
  const Index left = (out.width - inner.width) / 2, top = (out.height - inner.height) / 2;
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
  for (const Index side : {how.size.height, how.size.width})
    check(side > 0 && side <= kMaxSize, "preprocessing: the image size must be 1 to", kMaxSize, "and not",
          side);
  // Below, the image to cut from would be over a hundred times as wide as what is cut.
  for (const double share : {how.crop_pct.height, how.crop_pct.width})
    check(share >= 0.01 && share <= 1, "preprocessing: crop_pct must be 0.01 to 1 and not", share);
  for (float mean : how.mean)
    check(std::abs(mean) <= kMaxScale, "preprocessing: a mean must be -1e6 to 1e6, not", mean);
  // Below, pixels become numbers that no network has seen: its logits overflow, and the weights are blamed.
  for (float std : how.std)
    check(std >= 1 / kMaxScale && std <= kMaxScale, "preprocessing: a std must be above 0, 1e-6 to 1e6, not",
          std);
}

Image turned(Image image, const Preprocessing& how) {
  return how.exif_rotate ? upright(std::move(image)) : image;
}

Image fit(const Image& image, const Preprocessing& how) {
  check(image.width > 0 && image.height > 0, "resize: the image is empty");
  if (how.mode == Preprocessing::Mode::squash)
    return resize(image, how.size.width, how.size.height, how.filter);
  if (how.mode == Preprocessing::Mode::longest) return fit_whole(image, how);
  const ImageSize before = size_before_crop(image, how);
  return resize(image, before.width, before.height, how.filter, centre_of(before, how));
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
  Tensor out = Tensor::uninitialized({1, 3, how.size.height, how.size.width});
  normalize(fit(turned(image, how), how), how, out.data<float>());
  return out;
}

}  // namespace data
