#pragma once

#include <string_view>

#include "engine/tensor/tensor.h"

namespace models {

/// How resize_positions() interpolates, in one word: deltas hold it.
constexpr std::string_view kPositionResizing = "bicubic-antialias";

/// A position embedding [1, 1 + grid^2, width] for another grid, [1, 1 + new_grid^2, width]: the class
/// token's entry is kept, the others are interpolated bicubically with antialiasing, as timm's
/// resample_abs_pos_embed does. f32.
engine::Tensor resize_positions(const engine::Tensor& positions, engine::Index new_grid);

}  // namespace models
