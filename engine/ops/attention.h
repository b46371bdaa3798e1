#pragma once

#include "engine/ops/kept_patches.h"
#include "engine/tensor/tensor.h"

namespace engine {

/// A bias of the scores by the places of the tokens to each other (kernels::RelativeBias, where the entries
/// and their order are). `table` [entries, heads], empty for none.
struct RelativePositions {
  Tensor table = {};
  Index down = 0, across = 0;
  KeptPatches kept = {};  ///< of the grid; those of an image are its last tokens

  /// Entries of the table of a grid of patches and a class token.
  static Index entries(Index down, Index across);
};

/// Self-attention over qkv [batch, tokens, 3 * width] with `heads` heads side by side in each third, as timm
/// lays them out: softmax(q k^T / sqrt(width / heads) + bias) v, [batch, queries, width], for the first
/// `queries` tokens (0: all). The probabilities are computed again in the backward pass instead of being
/// kept.
Tensor attention(const Tensor& qkv, Index heads, Index queries = 0, const RelativePositions& bias = {});

/// The same over q, k and v [batch, tokens, width] of their own.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, Index heads, Index queries = 0);

/// Attention of queries q [batch, queries, width] over the keys and values of other tokens, kv [batch,
/// tokens, 2 * width]: [batch, queries, width].
Tensor cross_attention(const Tensor& q, const Tensor& kv, Index heads);

}  // namespace engine
