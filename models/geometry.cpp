#include "models/geometry.h"

#include <cmath>
#include <numbers>

namespace models {

using engine::Dtype;
using engine::Tensor;
using Kind = RopeConfig::Kind;

namespace {

/// The angle of pair j of `half` in a head, for a patch in row y and column x.
double angle_of(const RopeConfig& rope, Index half, Index j, double y, double x, Index down, Index across) {
  const Index per_axis = half / 2;
  const bool first = j < per_axis;
  const bool by_column = rope.kind == Kind::axial && rope.columns_first ? first : !first;
  const double place = by_column ? x : y, size = static_cast<double>(by_column ? across : down);
  const double step = static_cast<double>(j % per_axis) / static_cast<double>(per_axis);
  const double frequency = std::pow(rope.temperature, -step);
  if (rope.kind == Kind::dinov3) return 2 * std::numbers::pi * ((place + 0.5) / size * 2 - 1) * frequency;
  const double scale = rope.reference > 0 ? static_cast<double>(rope.reference) / size : 1;
  return (place + rope.offset) * scale * frequency;
}

/// The turns [1, patches, half, 2] of a rotary embedding that is not trained.
Tensor fixed_turns(const RopeConfig& rope, Index half, Index down, Index across) {
  std::vector<double> turns;
  for (Index y = 0; y < down; ++y) {
    for (Index x = 0; x < across; ++x) {
      for (Index j = 0; j < half; ++j) {
        const double angle =
            angle_of(rope, half, j, static_cast<double>(y), static_cast<double>(x), down, across);
        turns.push_back(std::cos(angle));
        turns.push_back(std::sin(angle));
      }
    }
  }
  return Tensor::of<double>({1, down * across, half, 2}, turns);
}

}  // namespace

Geometry::Geometry(const VitConfig& c) : rope_(c.rope), half_(c.width / c.heads / 2) {
  if (rope_.kind == Kind::mixed) freqs_.emplace(Tensor::zeros({2, c.depth, c.heads, half_}));
  resize(c.down(), c.across());
}

void Geometry::resize(Index down, Index across) {
  down_ = down, across_ = across;
  if (rope_.kind == Kind::none || rope_.kind == Kind::mixed) return;
  fixed_[1] = fixed_turns(rope_, half_, down, across);
  fixed_[0] = fixed_[1].to(Dtype::f32);
}

Tensor Geometry::turns(Index block, Dtype dtype) const {
  if (freqs_) return engine::mixed_turns(*freqs_, block, down_, across_);
  return fixed_[dtype == Dtype::f64];
}

engine::RotaryPairs Geometry::pairs() const {
  return rope_.kind == Kind::dinov3 ? engine::RotaryPairs::halves : engine::RotaryPairs::neighbours;
}

void Geometry::parts(engine::Parts& visit) {
  if (freqs_) visit("freqs", *freqs_);
}

}  // namespace models
