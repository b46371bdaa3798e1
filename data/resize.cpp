#include "data/resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "engine/base/text.h"

namespace data {
namespace {

constexpr int kFractionBits = 22;  // 8 bits of pixel, 22 of weight, 2 spare for overshoot in 32

double triangle(double x) {
  return std::max(1.0 - std::abs(x), 0.0);
}

/// Keys' cubic with a = -0.5.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

struct Kernel {
  std::string_view name;
  double (*weight)(double);
  double support;
};
constexpr std::array<Kernel, 2> kKernels = {{{"bilinear", triangle, 1}, {"bicubic", cubic, 2}}};

/// Which inputs make up each output along one axis, and with what weights.
struct Taps {
  struct Range {
    Index first, count;
    std::size_t weights;  // where this output's weights start
  };
  std::vector<Range> ranges;
  std::vector<std::int32_t> weights;
};

std::int32_t fixed_point(double weight) {
  const double scaled = weight * (1 << kFractionBits);
  return static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/// The taps of outputs [begin, end) when `in` pixels become `out`: Pillow's precompute_coeffs.
Taps make_taps(Index in, Index out, Index begin, Index end, const Kernel& kernel) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double widening = std::max(scale, 1.0), support = kernel.support * widening;
  const double narrow = 1.0 / widening;
  Taps taps;
  std::vector<double> weights;
  for (Index i = begin; i < end; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const Index first = std::max(static_cast<Index>(centre - support + 0.5), Index{0});
    const Index last = std::min(static_cast<Index>(centre + support + 0.5), in);
    double sum = 0;
    weights.clear();
    for (Index x = 0; x < last - first; ++x) {
      weights.push_back(kernel.weight((static_cast<double>(x + first) - centre + 0.5) * narrow));
      sum += weights.back();
    }
    taps.ranges.push_back({first, last - first, taps.weights.size()});
    for (double weight : weights) taps.weights.push_back(fixed_point(sum != 0 ? weight / sum : weight));
  }
  return taps;
}

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);

/// One row of `out` from one row of `in`.
void resize_row(const std::uint8_t* in, std::uint8_t* out, const Taps& taps) {
  for (const Taps::Range& range : taps.ranges) {
    const std::int32_t* weights = taps.weights.data() + range.weights;
    const std::uint8_t* pixel = in + range.first * 3;
    std::int32_t red = kHalf, green = kHalf, blue = kHalf;
    for (Index k = 0; k < range.count; ++k, pixel += 3) {
      red += pixel[0] * weights[k];
      green += pixel[1] * weights[k];
      blue += pixel[2] * weights[k];
    }
    *out++ = to_byte(red);
    *out++ = to_byte(green);
    *out++ = to_byte(blue);
  }
}

/// The rows of the result from whole rows of `in`, whose row 0 is row `first_row` of the image.
Image resize_columns(const Image& in, Index first_row, const Taps& taps) {
  Image out(in.width, static_cast<Index>(taps.ranges.size()));
  std::vector<std::int32_t> sums(static_cast<std::size_t>(in.width * 3));
  for (Index y = 0; y < out.height; ++y) {
    const Taps::Range& range = taps.ranges[static_cast<std::size_t>(y)];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (Index k = 0; k < range.count; ++k) {
      const std::int32_t weight = taps.weights[range.weights + static_cast<std::size_t>(k)];
      const std::uint8_t* row = in.row(range.first - first_row + k);
      for (std::size_t x = 0; x < sums.size(); ++x) sums[x] += row[x] * weight;
    }
    std::transform(sums.begin(), sums.end(), out.row(y), to_byte);
  }
  return out;
}

}  // namespace

Filter filter_named(std::string_view name) {
  for (std::size_t i = 0; i < kKernels.size(); ++i)
    if (kKernels[i].name == name) return static_cast<Filter>(i);
  throw Error("interpolation: '" + std::string(name) + "' is not one of bilinear, bicubic");
}

std::string_view name_of(Filter filter) {
  return kKernels[static_cast<std::size_t>(filter)].name;
}

Image resize(const Image& image, Index width, Index height, Filter filter) {
  return resize(image, width, height, filter, {0, 0, width, height});
}

Image resize(const Image& image, Index width, Index height, Filter filter, const Box& window) {
  check(image.width > 0 && image.height > 0, "resize: the image is empty");
  check(window.width > 0 && window.height > 0 && window.left >= 0 && window.top >= 0 &&
            window.left + window.width <= width && window.top + window.height <= height,
        "resize: a window of", window.width, "x", window.height, "at column", window.left, "row", window.top,
        "does not lie in", width, "x", height);
  // A side that keeps its length is copied, not filtered: the filter would be the identity.
  const Kernel& kernel = kKernels[static_cast<std::size_t>(filter)];
  Index first_row = window.top, end_row = window.top + window.height;
  Taps columns;
  if (height != image.height) {
    columns = make_taps(image.height, height, window.top, window.top + window.height, kernel);
    first_row = columns.ranges.front().first;
    end_row = columns.ranges.back().first + columns.ranges.back().count;
  }

  Image wide;
  if (width != image.width) {
    const Taps rows = make_taps(image.width, width, window.left, window.left + window.width, kernel);
    wide = Image(window.width, end_row - first_row);
    for (Index y = 0; y < wide.height; ++y) resize_row(image.row(first_row + y), wide.row(y), rows);
  } else {
    wide = crop(image, {window.left, first_row, window.width, end_row - first_row});
  }
  return height != image.height ? resize_columns(wide, first_row, columns) : wide;
}

}  // namespace data
