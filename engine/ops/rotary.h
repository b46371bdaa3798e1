#pragma once

#include "engine/ops/kept_patches.h"
#include "engine/tensor/tensor.h"

namespace engine {

// Rotary position embeddings (Su et al. 2021) for patches: every pair of values of a head is turned by an
// angle that grows with the patch's row or column.

/// Which values of a head of width d make pair j of d / 2.
enum class RotaryPairs {
  halves,     ///< j and j + d / 2
  neighbours  ///< 2 j and 2 j + 1
};

/// Turns the heads in the first `columns` values of every token of x [batch, tokens, any], but of the last
/// tokens alone, as many as `turns` [heads or 1, patches, d / 2, 2] has patches: pair j of patch t by the
/// angle whose cosine and sine are in `turns` (nothing else may be there), in head h by those of h modulo its
/// first axis. So prefix tokens keep still. In the place of x where nothing shares its buffer. Where patches
/// are left out, the last tokens of x are those that are kept, and `turns` has those of all.
Tensor rotate(Tensor x, Index columns, const Tensor& turns, RotaryPairs pairs, const KeptPatches& kept = {});

/// Turns [heads, patches, d / 2, 2] of `down` x `across` patches, row by row, in block `block`: the angles
/// are column x freqs[0, block, h, j] + row x freqs[1, block, h, j] with trained frequencies `freqs` [2,
/// blocks, heads, d / 2] (RoPE-Mixed, Heo et al. 2024).
Tensor mixed_turns(const Tensor& freqs, Index block, Index down, Index across);

}  // namespace engine
