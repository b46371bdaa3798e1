#include "tools/experiments/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace experiments {

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> sample_deviation(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  const double middle = mean(values);
  double squares = 0;
  for (double x : values) squares += (x - middle) * (x - middle);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::vector<double> ranks(std::span<const double> values) {
  std::vector<double> all;
  for (double x : values) {
    const auto above = std::ranges::count_if(values, [x](double y) { return y > x; });
    const auto equal = std::ranges::count(values, x);  // itself among them
    all.push_back(static_cast<double>(above) + static_cast<double>(equal + 1) / 2);
  }
  return all;
}

double wilcoxon_p(std::span<const double> differences) {
  std::vector<double> sizes;
  for (double d : differences)
    if (d != 0) sizes.push_back(-std::abs(d));  // the smallest then has rank 1
  const std::vector<double> rank = ranks(sizes);

  // Twice the ranks, which are whole numbers even where they are shared.
  std::vector<std::size_t> twice;
  for (double r : rank) twice.push_back(static_cast<std::size_t>(std::lround(2 * r)));
  std::size_t found = 0, next = 0;
  for (double d : differences) {
    if (d == 0) continue;
    if (d > 0) found += twice[next];
    ++next;
  }

  // chance[s]: that the ranks above 0 sum up to s, each of them being there or not with chance 1/2.
  std::vector<double> chance(std::accumulate(twice.begin(), twice.end(), std::size_t{0}) + 1);
  chance[0] = 1;
  for (std::size_t r : twice) {
    for (std::size_t s = chance.size(); s-- > 0;) chance[s] = (chance[s] + (s >= r ? chance[s - r] : 0)) / 2;
  }
  const auto at = chance.begin() + static_cast<std::ptrdiff_t>(found);
  const double low = std::accumulate(chance.begin(), at + 1, 0.0),
               high = std::accumulate(at, chance.end(), 0.0);
  return std::min(1.0, 2 * std::min(low, high));
}

}  // namespace experiments
