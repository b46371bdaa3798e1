#pragma once

#include "engine/tensor/tensor.h"

namespace engine {

/// The same numbers with another shape.
Tensor reshape(const Tensor& x, const Shape& shape);
/// Pictures [n, channels, height, width] as patches [n, patches, channels * patch * patch], row by row of
/// patches. The sides must be multiples of `patch`.
Tensor patches(const Tensor& pictures, Index patch);
/// token [1, 1, width] put in front of every sequence of x [n, tokens, width]: [n, tokens + 1, width].
Tensor prepend_token(const Tensor& token, const Tensor& x);
/// x [n, tokens, width] + positions [1, tokens, width].
Tensor add_positions(const Tensor& x, const Tensor& positions);
/// x [n, ...] `times` over along the first axis: [times * n, ...].
Tensor repeat(const Tensor& x, Index times);
/// Token `index` of every sequence of x [n, tokens, width]: [n, width].
Tensor select_token(const Tensor& x, Index index);

}  // namespace engine
