#pragma once

#include <algorithm>

#include "engine/base/check.h"

namespace engine::kernels {

/// About how many products are summed in one block.
constexpr Index kDepth = 384;

/// The blocks in which the k products of a number are summed: k / kDepth of them, rounded, and as even as
/// they can be, so that no short one is left, which would read and write all of c for little. 8 images of
/// 197 tokens are four blocks of 394. The sizes follow from k alone.
class Depths {
 public:
  explicit Depths(Index k) : k_(k), count_(std::max<Index>(1, (k + kDepth / 2) / kDepth)) {}

  Index count() const { return count_; }
  /// The first product of a block; begin(count()) is k.
  Index begin(Index block) const { return k_ * block / count_; }
  Index size(Index block) const { return begin(block + 1) - begin(block); }

 private:
  Index k_, count_;
};

}  // namespace engine::kernels
