#include "engine/autograd/count_sketch.h"

#include <algorithm>

namespace engine {

CountSketch::CountSketch(Index count, Tensor signs, const std::vector<Index>& shifts)
    : count_(count), signs_(signs.detached()) {
  check(count > 0 && signs.shape().rank() == 1 &&
            static_cast<Index>(shifts.size()) == (signs.numel() + count - 1) / count,
        "count sketch:", count, "sums and", shifts.size(), "shifts do not fit signs", signs.shape());
  for (std::size_t g = 0; g < shifts.size(); ++g) {
    check(shifts[g] >= 0 && shifts[g] < count, "count sketch: shift", shifts[g], "lies outside", count,
          "sums");
    groups_.push_back({static_cast<Index>(g) * count, shifts[g]});
  }
  std::ranges::stable_sort(groups_, std::ranges::greater(), &kernels::MixGroup::shift);
}

}  // namespace engine
