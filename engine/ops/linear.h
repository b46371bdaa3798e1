#pragma once

#include "engine/ops/activation.h"

namespace engine {

/// y[..., out] = x[..., in] w^T + b. `w` is seen as a matrix [out, in], so a convolution's kernel [out, c, h,
/// w] will do; `b` [out] may be empty. Of dw only the part that trains is computed, and of x only the columns
/// that part reads are kept: nothing when w is frozen.
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b = {});

/// What is saved for the backward pass: an activation, or only what it takes to recompute it.
enum class Save { activation, recompute };

/// activate(linear(x, w, b), activation) in one pass over memory, to the same bits. What the activation is
/// applied to is the largest tensor of a transformer block; when it is recomputed, the product is made once
/// more.
Tensor linear_activate(const Tensor& x, const Tensor& w, const Tensor& b, Activation activation,
                       Save save = Save::activation);

/// What a residual branch is multiplied by before it is added; what is empty is left out.
struct BranchScale {
  Tensor features = {};  ///< [width]: LayerScale (Touvron et al. 2021)
  Tensor samples = {};   ///< [n], one for every entry of the first axis: drop path
};

/// residual + scale_samples(affine(linear(x, w, b), scale.features), scale.samples) in one pass over memory,
/// to the same bits. `residual` is shaped like the result. Nothing of `scale` may be trained.
Tensor linear_residual(const Tensor& residual, const Tensor& x, const Tensor& w, const Tensor& b = {},
                       const BranchScale& scale = {});

}  // namespace engine
