#pragma once

#include <optional>
#include <span>
#include <vector>

namespace experiments {

/// The mean; `values` must not be empty.
double mean(std::span<const double> values);

/// The standard deviation of a sample, with n - 1 below the sum of squares; nothing of fewer than two values.
std::optional<double> sample_deviation(std::span<const double> values);

/// The rank of every value, from 1 for the highest; equal values share the mean of their ranks.
std::vector<double> ranks(std::span<const double> values);

/// p of the exact two-sided signed-rank test (Wilcoxon 1945): how likely it is, if every difference is as
/// likely to be above 0 as below, that the ranks of those above 0 sum up to something at least as far from
/// the middle. Differences of 0 are left out and equal ones share the mean of their ranks. 1 when all are 0.
double wilcoxon_p(std::span<const double> differences);

}  // namespace experiments
