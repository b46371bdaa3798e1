#include "peft/methods/knapsack.h"

#include <cmath>

namespace peft {

using engine::Index;

std::vector<bool> choose_within(const std::vector<Item>& items, double budget) {
  constexpr Index kSteps = 2000;
  constexpr double kRounding = 1e-9;  // so that a whole number of steps stays one
  const auto steps_of = [&](double cost) {
    return budget > 0 ? static_cast<Index>(std::ceil(std::min(cost / budget, 2.0) * kSteps - kRounding))
                      : kSteps + 1;
  };
  const std::size_t n = items.size(), width = kSteps + 1;
  // best[c]: the largest value of items after the present one whose own costs are at most c.
  std::vector<double> best(width, 0);
  std::vector<std::vector<bool>> taken(n, std::vector<bool>(width));
  double most = 0, passed = 0;  // passed: through all items after the present one
  std::size_t first = n;
  Index left_at_first = 0;
  for (std::size_t i = n; i-- > 0;) {
    const Index own = steps_of(items[i].own), left = kSteps - steps_of(passed) - own;
    if (left >= 0 && best[static_cast<std::size_t>(left)] + items[i].value > most) {
      most = best[static_cast<std::size_t>(left)] + items[i].value;
      first = i, left_at_first = left;
    }
    for (Index c = kSteps; c >= own; --c) {
      const auto at = static_cast<std::size_t>(c), before = static_cast<std::size_t>(c - own);
      if (best[before] + items[i].value > best[at]) {
        best[at] = best[before] + items[i].value;
        taken[i][at] = true;
      }
    }
    passed += items[i].pass;
  }
  std::vector<bool> chosen(n, false);
  if (first == n) return chosen;
  chosen[first] = true;
  Index c = left_at_first;
  for (std::size_t i = first + 1; i < n; ++i) {
    if (!taken[i][static_cast<std::size_t>(c)]) continue;
    chosen[i] = true;
    c -= steps_of(items[i].own);
  }
  return chosen;
}

}  // namespace peft
