#include "engine/autograd/count_sketch.h"

#include <algorithm>
#include <numeric>

#include "engine/base/div_up.h"
#include "engine/kernels/simd.h"

namespace engine {

CountSketch::CountSketch(Index count, Tensor signs, const std::vector<Index>& shifts)
    : count_(count), signs_(signs.detached()) {
  check(count > 0 && signs.shape().rank() == 1 &&
            static_cast<Index>(shifts.size()) == div_up(signs.numel(), count),
        "count sketch:", count, "sums and", shifts.size(), "shifts do not fit signs", signs.shape());
  for (const Index shift : shifts)
    check(shift >= 0 && shift < count, "count sketch: shift", shift, "lies outside", count, "sums");
  std::vector<std::size_t> groups(shifts.size());
  std::iota(groups.begin(), groups.end(), std::size_t{0});
  std::ranges::stable_sort(groups, std::ranges::greater(), [&](std::size_t g) { return shifts[g]; });
  for (const std::size_t g : groups) {
    first_.push_back(static_cast<Index>(g) * count);
    shift_.push_back(shifts[g]);
  }
}

template <class T>
kernels::Sketch<T> CountSketch::view() const {
  return {count_, static_cast<Index>(first_.size()), first_.data(), shift_.data(), signs_.data<T>().data()};
}

template kernels::Sketch<float> CountSketch::view() const;
template kernels::Sketch<double> CountSketch::view() const;

}  // namespace engine
