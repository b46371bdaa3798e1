#pragma once

#include <algorithm>

#include "engine/base/check.h"

namespace engine::kernels {

/// About how many products are summed in one block. It follows from the caches: the rows of a tile, 8 x 384
/// f32, take 12 KB and stay in the first cache (32 KB or more) while panels of 384 x 48 f32, 72 KB, stream
/// from the second. And it makes c cheap: every value of it is read and written once in 384 multiply-adds.
constexpr Index kDepth = 384;

/// The blocks in which the k products of a value of c are summed: k / kDepth of them, rounded, and as even as
/// they can be, so that no short one is left, which would read and write all of c for little. 8 images of
/// 197 tokens are four blocks of 394. The sizes follow from k alone.
class KBlocks {
 public:
  explicit KBlocks(Index k) : k_(k), count_(std::max<Index>(1, (k + kDepth / 2) / kDepth)) {}

  Index count() const { return count_; }
  /// The first product of a block; begin(count()) is k.
  Index begin(Index block) const { return k_ * block / count_; }
  Index size(Index block) const { return begin(block + 1) - begin(block); }

 private:
  Index k_, count_;
};

}  // namespace engine::kernels
