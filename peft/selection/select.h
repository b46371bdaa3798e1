#pragma once

#include <vector>

#include "engine/autograd/selection.h"

namespace peft {

/// The selectors are pure: a gradient in, a selection out. A gradient is seen as a matrix [first axis, all
/// others]; more than there is means everything there is; ties go to the lower index. They throw an Error
/// when a score is not a number (an infinite one is a number and wins) or when `count` is negative.

/// The `count` rows with the largest sum of squares (GRFT).
engine::Selection top_rows(const engine::Tensor& gradient, engine::Index count);
/// The `count` columns with the largest sum of squares (GRFT).
engine::Selection top_columns(const engine::Tensor& gradient, engine::Index count);
/// In every row, the `count` elements of largest magnitude (GPS).
engine::Selection top_per_row(const engine::Tensor& gradient, engine::Index count);
/// The `count` elements of largest magnitude (SIFT).
engine::Selection top_elements(const engine::Tensor& gradient, engine::Index count);

/// The `count` elements of largest magnitude over all tensors together: their indices in each, ascending.
std::vector<std::vector<engine::Index>> top_overall(const std::vector<engine::Tensor>& tensors,
                                                    engine::Index count);

/// The score of every selected unit, in the selection's order: the sum of squares of a row or column, the
/// magnitude of an element.
std::vector<float> scores_of(const engine::Tensor& gradient, const engine::Selection& selection);

/// The sum of the gradient's squares.
double squares_of(const engine::Tensor& gradient);

/// The share of the gradient's squares that the selection holds, in [0, 1]; 0 for a gradient of zeros.
double captured_share(const engine::Tensor& gradient, const engine::Selection& selection);

/// How many units two selections of the same kind have in common; 0 for two kinds.
engine::Index common_units(const engine::Selection& a, const engine::Selection& b);

}  // namespace peft
