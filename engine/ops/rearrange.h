#pragma once

#include "engine/ops/kept_patches.h"
#include "engine/tensor/tensor.h"

namespace engine {

/// The same values with another shape.
Tensor reshape(const Tensor& x, const Shape& shape);
/// Images [n, channels, height, width] as patches [n, patches, channels * patch * patch], row by row of
/// patches. Rows and columns that fill no patch are not seen.
Tensor patches(const Tensor& images, Index patch);
/// Images [n, channels, height, width] of the patches that each keeps, side by side in a single row: [n,
/// channels, patch, kept.count() * patch]; `images` themselves where nothing is left out.
Tensor keep_patches(const Tensor& images, Index patch, const KeptPatches& kept);
/// tokens [1, count, width] put into every sequence of x [n, length, width], the first of them at place `at`:
/// [n, length + count, width].
Tensor insert_tokens(const Tensor& x, const Tensor& tokens, Index at);
/// x [n, length, width] without tokens [at, at + count) of every sequence: [n, length - count, width].
Tensor remove_tokens(const Tensor& x, Index at, Index count);
/// x [n, tokens, width] + positions [1, tokens, width]. Where patches are left out, the last tokens of x are
/// those that are kept, and `positions` has all patches last.
Tensor add_positions(const Tensor& x, const Tensor& positions, const KeptPatches& kept = {});
/// x [n, ...] `times` over along the first axis: [times * n, ...].
Tensor repeat(const Tensor& x, Index times);
/// Token `index` of every sequence of x [n, tokens, width]: [n, width].
Tensor select_token(const Tensor& x, Index index);
/// The mean of tokens [first, first + count) of every sequence of x [n, tokens, width]: [n, width].
Tensor mean_tokens(const Tensor& x, Index first, Index count);
/// a [..., p] and b [..., q] side by side along the last axis: [..., p + q].
Tensor join(const Tensor& a, const Tensor& b);

}  // namespace engine
