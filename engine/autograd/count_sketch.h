#pragma once

#include <algorithm>
#include <vector>

#include "engine/tensor/tensor.h"

namespace engine {

namespace kernels {
template <class T>
struct Sketch;
}

/// A matrix R [count, size] with one entry in every column, 1 or -1: R x adds up the values of x, with
/// signs, in `count` sums. (Charikar, Chen and Farach-Colton 2002.) Value j of x goes to sum
/// (j + shift of its group) mod count, a group being `count` values, so that two values of a group never
/// meet.
class CountSketch {
 public:
  /// `signs` [size]; a shift from 0 to count - 1 for every group, the last of which may be shorter. Throws an
  /// Error when these do not fit.
  CountSketch(Index count, Tensor signs, const std::vector<Index>& shifts);

  Index count() const { return count_; }
  Index size() const { return signs_.numel(); }
  /// Calls `f(j, sum, sign)` for every value j, in the order in which a sum adds them.
  template <class T, class F>
  void each(F f) const {
    for (std::size_t g = 0; g < first_.size(); ++g) {
      for (Index j = first_[g]; j < std::min(first_[g] + count_, size()); ++j)
        f(j, (j - first_[g] + shift_[g]) % count_, signs_.data<T>()[static_cast<std::size_t>(j)]);
    }
  }
  /// R as a kernel reads it, from the memory of this object. (engine/kernels/simd.h defines the type.)
  template <class T>
  kernels::Sketch<T> view() const;

 private:
  Index count_;
  Tensor signs_;
  std::vector<Index> first_, shift_;  ///< of every group, in descending order of the shifts
};

}  // namespace engine
