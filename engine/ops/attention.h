#pragma once

#include "engine/tensor/tensor.h"

namespace engine {

/// Self-attention over qkv [batch, tokens, 3 * width] with `heads` heads side by side in each third, as timm
/// lays them out: softmax(q k^T / sqrt(width / heads)) v, [batch, queries, width], for the first `queries`
/// tokens (0: all). The probabilities are computed again in the backward pass instead of being kept.
Tensor attention(const Tensor& qkv, Index heads, Index queries = 0);

}  // namespace engine
