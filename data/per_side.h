#pragma once

#include <ostream>

#include "engine/base/check.h"

namespace data {

using engine::Index;

/// A value for the height of images and one for their width, in the order in which files and libraries have
/// them; a single one is for both.
template <class T>
struct PerSide {
  T height = {}, width = {};

  constexpr PerSide() = default;
  constexpr PerSide(T both) : height(both), width(both) {}
  constexpr PerSide(T of_height, T of_width) : height(of_height), width(of_width) {}

  /// True where a single value says both.
  constexpr bool is_single() const { return height == width; }

  friend constexpr bool operator==(const PerSide&, const PerSide&) = default;
  /// "224", or "16x64": height x width.
  friend std::ostream& operator<<(std::ostream& out, const PerSide& sides) {
    out << sides.height;
    return sides.is_single() ? out : out << 'x' << sides.width;
  }
};

/// In pixels.
using ImageSize = PerSide<Index>;

}  // namespace data
