#pragma once

#include <algorithm>
#include <vector>

#include "engine/kernels/simd.h"
#include "engine/tensor/tensor.h"

namespace engine {

/// A matrix R [count, size] with one number in every column, 1 or -1: R x adds up the numbers of x, with
/// signs, in `count` sums. (Charikar, Chen and Farach-Colton 2002.) Number j of x goes to sum
/// (j + shift of its group) mod count, a group being `count` numbers, so that two numbers of a group never
/// meet.
class CountSketch {
 public:
  /// `signs` [size]; a shift from 0 to count - 1 for every group, the last of which may be shorter. Throws an
  /// Error when these do not fit.
  CountSketch(Index count, Tensor signs, const std::vector<Index>& shifts);

  Index count() const { return count_; }
  Index size() const { return signs_.numel(); }
  /// Calls `f(j, sum, sign)` for every number j, in the order in which a sum adds them.
  template <class T, class F>
  void each(F f) const {
    for (const auto& [first, shift] : groups_) {
      for (Index j = first; j < std::min(first + count_, size()); ++j)
        f(j, (j - first + shift) % count_, signs_.data<T>()[static_cast<std::size_t>(j)]);
    }
  }
  /// R as a kernel reads it.
  template <class T>
  kernels::Mix<T> view() const {
    return {count_, static_cast<Index>(groups_.size()), groups_.data(), signs_.data<T>().data()};
  }

 private:
  Index count_;
  Tensor signs_;
  std::vector<kernels::MixGroup> groups_;  ///< by falling shift
};

}  // namespace engine
