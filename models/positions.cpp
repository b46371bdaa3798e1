#include "models/positions.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/nn/roles.h"
#include "engine/nn/state.h"
#include "engine/ops/attention.h"

namespace models {

using engine::Tensor;

namespace {

/// Keys' cubic.
double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/// What an output is made of: inputs and their weights.
using Taps = std::vector<std::pair<Index, double>>;

/// PyTorch's and Pillow's bicubic with antialiasing: a = -0.5, stretched where the grid becomes smaller, and
/// without inputs that are not there.
std::vector<Taps> antialiased(Index in, Index out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), stretch = std::max(scale, 1.0);
  std::vector<Taps> all;
  for (Index i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale, reach = 2 * stretch;
    const Index first = std::max<Index>(0, static_cast<Index>(centre - reach + 0.5));
    const Index last = std::min(in, static_cast<Index>(centre + reach + 0.5));
    Taps taps;
    double total = 0;
    for (Index j = first; j < last; ++j) {
      taps.emplace_back(j, cubic((static_cast<double>(j) - centre + 0.5) / stretch, -0.5));
      total += taps.back().second;
    }
    for (auto& [j, weight] : taps) weight /= total;
    all.push_back(std::move(taps));
  }
  return all;
}

/// PyTorch's interpolation without antialiasing: two or four taps (a = -0.75), the edge in place of what is
/// beyond it.
std::vector<Taps> interpolated(Index in, Index out, bool four, bool corners) {
  std::vector<Taps> all;
  for (Index i = 0; i < out; ++i) {
    double at = (static_cast<double>(i) + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5;
    if (corners) at = out > 1 ? static_cast<double>(i * (in - 1)) / static_cast<double>(out - 1) : 0;
    if (!four) at = std::max(at, 0.0);
    const Index before = static_cast<Index>(std::floor(at));
    const double t = at - static_cast<double>(before);
    Taps taps;
    const auto tap = [&](Index j, double weight) {
      taps.emplace_back(std::clamp<Index>(j, 0, in - 1), weight);
    };
    if (four) {
      for (Index j = -1; j <= 2; ++j) tap(before + j, cubic(static_cast<double>(j) - t, -0.75));
    } else {
      tap(before, 1 - t);
      tap(before + 1, t);
    }
    all.push_back(std::move(taps));
  }
  return all;
}

std::vector<Taps> taps_of(Index in, Index out, Resampling how) {
  switch (how) {
    case Resampling::bicubic_antialias:
      return antialiased(in, out);
    case Resampling::bicubic:
      return interpolated(in, out, true, false);
    case Resampling::bicubic_corners:
      return interpolated(in, out, true, true);
    case Resampling::bilinear:
      return interpolated(in, out, false, false);
    case Resampling::bilinear_corners:
      return interpolated(in, out, false, true);
  }
  return {};
}

/// Places 1, 1 + q, 1 + q + q^2, ... from the middle of `in` entries outwards, with q such that the last is
/// half of `out`, and linear interpolation at whole numbers between them (BEiT's, as timm has it).
std::vector<Taps> geometric(Index in, Index out) {
  const Index half = in / 2;
  double low = 1.01, high = 1.5, q = low;
  while (high - low > 1e-6) {
    q = (low + high) / 2;
    const bool too_far =
        (1 - std::pow(q, static_cast<double>(half))) / (1 - q) > static_cast<double>(out / 2);
    (too_far ? high : low) = q;
  }
  std::vector<double> places(static_cast<std::size_t>(in), 0.0);
  double place = 1;
  for (Index i = 0; i < half; ++i) {
    places[static_cast<std::size_t>(half + 1 + i)] = place;
    places[static_cast<std::size_t>(half - 1 - i)] = -place;
    place += std::pow(q, static_cast<double>(i + 1));
  }
  std::vector<Taps> all;
  for (Index i = 0; i < out; ++i) {
    const double at = std::clamp(static_cast<double>(i - out / 2), places.front(), places.back());
    const Index right = std::max<Index>(1, std::ranges::lower_bound(places, at) - places.begin());
    const double before = places[static_cast<std::size_t>(right - 1)],
                 behind = places[static_cast<std::size_t>(right)];
    const double t = (at - before) / (behind - before);
    all.push_back({{right - 1, 1 - t}, {right, t}});
  }
  return all;
}

/// [from.down * from.across, width] resampled to [to.down * to.across, width].
void resample(const float* in, Index in_across, float* out, Index width, const std::vector<Taps>& rows,
              const std::vector<Taps>& columns) {
  for (const Taps& down : rows) {
    for (const Taps& across : columns) {
      for (Index c = 0; c < width; ++c) {
        double sum = 0;
        for (const auto& [y, weight] : down)
          for (const auto& [x, other] : across) sum += weight * other * in[(y * in_across + x) * width + c];
        *out++ = static_cast<float>(sum);
      }
    }
  }
}

}  // namespace

Tensor resize_positions(const Tensor& positions, Index prefix, Grid from, Grid to, Resampling how) {
  const Index width = positions.shape()[2];
  engine::check(positions.shape()[1] == prefix + from.down * from.across, "pos_embed:", positions.shape(),
                "is not", prefix, "prefix tokens and", from.down, "x", from.across, "patches");
  if (from == to) return positions.detached();
  Tensor resized = Tensor::uninitialized({1, prefix + to.down * to.across, width});
  const float* const in = positions.data<float>().data();
  float* const out = std::copy_n(in, prefix * width, resized.data<float>().data());
  resample(in + prefix * width, from.across, out, width, taps_of(from.down, to.down, how),
           taps_of(from.across, to.across, how));
  return resized;
}

Tensor resize_bias_table(const Tensor& table, Grid from, Grid to, Resampling how) {
  constexpr Index kClassEntries = 3;
  const Index heads = table.shape()[1];
  engine::check(table.shape()[0] == engine::RelativePositions::entries(from.down, from.across),
                "a table of relative positions", table.shape(), "is not of", from.down, "x", from.across,
                "patches");
  if (from == to) return table.detached();
  const auto taps = [&](Index in, Index out) {
    return how == Resampling::bicubic_antialias ? geometric(2 * in - 1, 2 * out - 1)
                                                : interpolated(2 * in - 1, 2 * out - 1, false, false);
  };
  Tensor resized = Tensor::uninitialized({engine::RelativePositions::entries(to.down, to.across), heads});
  const auto in = table.data<float>();
  const auto out = resized.data<float>();
  resample(in.data(), 2 * from.across - 1, out.data(), heads, taps(from.down, to.down),
           taps(from.across, to.across));
  const std::size_t kept = static_cast<std::size_t>(kClassEntries * heads);
  std::ranges::copy(in.last(kept), out.last(kept).begin());
  return resized;
}

VitConfig at_image_size(const VitConfig& made, Index image_height, Index image_width) {
  VitConfig c = made;
  c.image_height = image_height, c.image_width = image_width;
  check_config(c);
  const auto fills = [&](Index side, Index own) { return side % c.patch == 0 || side == own; };
  engine::check(
      fills(image_height, made.image_height) && fills(image_width, made.image_width), "vit: an image size of",
      image_height == image_width ? engine::say(image_height) : engine::say(image_height, "x", image_width),
      "is not a multiple of the patch size", c.patch);
  const bool square = c.down() == c.across() && made.down() == made.across();
  engine::check(square || c.resampling != Resampling::bicubic_corners || c == made,
                "vit: positions are resized as torchvision does it, which is for squares only, and not to",
                c.image_height, "x", c.image_width);
  return c;
}

void resize(Vit& model, Index image_height, Index image_width) {
  const VitConfig before = model.config(), after = at_image_size(before, image_height, image_width);
  if (after == before) return;
  const Grid from{before.down(), before.across()}, to{after.down(), after.across()};
  Tensor positions;
  std::vector<Tensor> tables;
  for (const auto& [name, tensor] : engine::state(model)) {
    if (name == engine::kPositionsName)
      positions = resize_positions(tensor, before.positioned_prefix(), from, to, before.resampling);
    if (name.ends_with(engine::kBiasTableName))
      tables.push_back(resize_bias_table(tensor, from, to, before.resampling));
  }
  model.resize(image_height, image_width, std::move(positions), std::move(tables));
}

}  // namespace models
