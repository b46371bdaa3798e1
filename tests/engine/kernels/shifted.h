#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/kernels/simd.h"
#include "tests/support/random_tensor.h"

namespace engine::kernels {

constexpr Index kOffsets = 16;  ///< how far values may be shifted

template <class T>
std::vector<T> random_numbers(Index count, std::uint64_t stream, double std = 1) {
  const Tensor t = support::random_tensor({count}, stream, dtype_of<T>, std);
  return {t.data<T>().begin(), t.data<T>().end()};
}

/// Values at a chosen distance from a vector boundary, between guards.
template <class T>
class Shifted {
 public:
  Shifted(const T* from, Index count, Index offset)
      : bytes_(allocate(static_cast<std::size_t>(count + kOffsets + 2 * kGuards) * sizeof(T))),
        count_(count) {
    T* first = reinterpret_cast<T*>(bytes_.get());
    std::fill_n(first, count + kOffsets + 2 * kGuards, T{kGuard});
    numbers_ = first + kGuards + offset;
    std::copy_n(from, count, numbers_);
  }
  T* data() { return numbers_; }
  bool guards_hold() const {
    for (Index i = 1; i <= kGuards; ++i) {
      if (numbers_[-i] != kGuard || numbers_[count_ + i - 1] != kGuard) return false;
    }
    return true;
  }

 private:
  static constexpr Index kGuards = 16;
  static constexpr int kGuard = 4711;
  std::shared_ptr<std::byte> bytes_;
  Index count_;
  T* numbers_;
};

}  // namespace engine::kernels
