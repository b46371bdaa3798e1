#include "data/color.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace data {
namespace {

std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

/// Pillow's ImagingBlend: `from` at 0, the image at 1, beyond that extrapolated and cut off. In f32, as
/// there.
std::uint8_t blend(int from, int to, float factor) {
  const float value = static_cast<float>(from) + factor * static_cast<float>(to - from);
  return static_cast<std::uint8_t>(std::clamp(value, 0.0f, 255.0f));
}

/// Blends every pixel with `from(pixel)`, a gray.
template <class From>
Image blend_with(const Image& image, double factor, From from) {
  Image out(image.width, image.height);
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) {
    const int gray = from(image.rgb.data() + i);
    for (std::size_t c = 0; c < 3; ++c)
      out.rgb[i + c] = blend(gray, image.rgb[i + c], static_cast<float>(factor));
  }
  return out;
}

struct Hsv {
  std::uint8_t hue, saturation, value;
};

/// Pillow's rgb2hsv_row, with its mixture of f32 and f64.
Hsv to_hsv(const std::uint8_t* rgb) {
  const auto [low, high] = std::minmax({rgb[0], rgb[1], rgb[2]});
  if (low == high) return {0, 0, high};
  const float range = static_cast<float>(high - low);
  const float saturation = range / static_cast<float>(high);
  std::array<float, 3> below;
  for (std::size_t c = 0; c < 3; ++c) below[c] = static_cast<float>(high - rgb[c]) / range;
  const auto [r, g, b] = below;
  float hue;
  if (rgb[0] == high)
    hue = b - g;
  else if (rgb[1] == high)
    hue = static_cast<float>(2.0 + r - b);
  else
    hue = static_cast<float>(4.0 + g - r);
  hue = static_cast<float>(std::fmod(hue / 6.0 + 1.0, 1.0));
  auto byte = [](float v) {
    return static_cast<std::uint8_t>(std::clamp(static_cast<int>(v * 255.0), 0, 255));
  };
  return {byte(hue), byte(saturation), high};
}

/// Pillow's hsv2rgb.
void to_rgb(const Hsv& hsv, std::uint8_t* rgb) {
  const double sixths = hsv.hue * 6.0 / 255.0;
  const int sector = static_cast<int>(sixths);
  const float rest = static_cast<float>(sixths - sector);
  const float saturation = static_cast<float>(hsv.saturation / 255.0);
  auto part = [&](double share) {
    return static_cast<std::uint8_t>(
        std::clamp(static_cast<int>(std::round(hsv.value * (1.0 - share))), 0, 255));
  };
  const std::uint8_t v = hsv.value, p = part(saturation), q = part(saturation * rest),
                     t = part(saturation * (1.0 - rest));
  const std::uint8_t sectors[6][3] = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}};
  std::copy_n(sectors[sector % 6], 3, rgb);
}

}  // namespace

Image brightness(const Image& image, double factor) {
  return blend_with(image, factor, [](const std::uint8_t*) { return 0; });
}

Image contrast(const Image& image, double factor) {
  double sum = 0;
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) sum += luma(image.rgb.data() + i);
  const int mean = static_cast<int>(sum / static_cast<double>(image.width * image.height) + 0.5);
  return blend_with(image, factor, [mean](const std::uint8_t*) { return mean; });
}

Image saturation(const Image& image, double factor) {
  return blend_with(image, factor, luma);
}

Image hue(const Image& image, double turn) {
  check(turn >= -0.5 && turn <= 0.5, "hue: a turn lies in -0.5 to 0.5, not", turn);
  const int shift = static_cast<int>(turn * 255);
  Image out(image.width, image.height);
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) {
    Hsv hsv = to_hsv(image.rgb.data() + i);
    hsv.hue = static_cast<std::uint8_t>(hsv.hue + shift);  // round the circle of 256
    to_rgb(hsv, out.rgb.data() + i);
  }
  return out;
}

Image grayscale(const Image& image) {
  Image out(image.width, image.height);
  for (std::size_t i = 0; i < image.rgb.size(); i += 3)
    std::fill_n(out.rgb.data() + i, 3, luma(image.rgb.data() + i));
  return out;
}

}  // namespace data
