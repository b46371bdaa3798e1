#include "models/positions.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace models {

using engine::Index;
using engine::Tensor;

namespace {

/// Keys' cubic with a = -0.5, the kernel of PyTorch's and Pillow's antialiased bicubic.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/// Where an output comes from: inputs [first, first + weights.size()).
struct Window {
  Index first;
  std::vector<double> weights;
};

std::vector<Window> windows(Index in, Index out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), stretch = std::max(scale, 1.0);
  std::vector<Window> all;
  for (Index i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale, reach = 2 * stretch;
    const Index first = std::max<Index>(0, static_cast<Index>(centre - reach + 0.5));
    const Index last = std::min(in, static_cast<Index>(centre + reach + 0.5));
    Window window{first, {}};
    double total = 0;
    for (Index j = first; j < last; ++j) {
      window.weights.push_back(cubic((static_cast<double>(j) - centre + 0.5) / stretch));
      total += window.weights.back();
    }
    for (double& w : window.weights) w /= total;
    all.push_back(std::move(window));
  }
  return all;
}

}  // namespace

Tensor resize_positions(const Tensor& positions, Index new_grid) {
  const Index width = positions.shape()[2], patches = positions.shape()[1] - 1;
  const Index grid = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(patches))));
  engine::check(grid * grid == patches && grid > 0, "pos_embed:", positions.shape(),
                "is not a class token and a square grid");
  if (grid == new_grid) return positions.detached();
  const std::vector<Window> from = windows(grid, new_grid);
  const auto in = positions.data<float>();
  Tensor resized = Tensor::uninitialized({1, 1 + new_grid * new_grid, width});
  auto out = resized.data<float>();
  std::copy_n(in.begin(), width, out.begin());
  for (Index y = 0; y < new_grid; ++y) {
    for (Index x = 0; x < new_grid; ++x) {
      const Window &down = from[static_cast<std::size_t>(y)], &across = from[static_cast<std::size_t>(x)];
      for (Index c = 0; c < width; ++c) {
        double sum = 0;
        for (std::size_t i = 0; i < down.weights.size(); ++i) {
          for (std::size_t j = 0; j < across.weights.size(); ++j) {
            const Index at =
                (down.first + static_cast<Index>(i)) * grid + across.first + static_cast<Index>(j);
            sum += down.weights[i] * across.weights[j] * in[static_cast<std::size_t>((1 + at) * width + c)];
          }
        }
        out[static_cast<std::size_t>((1 + y * new_grid + x) * width + c)] = static_cast<float>(sum);
      }
    }
  }
  return resized;
}

}  // namespace models
