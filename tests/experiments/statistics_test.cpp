#include "tools/experiments/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace experiments {
namespace {

using ::testing::ElementsAre;
using Values = std::vector<double>;

TEST(Mean, is_the_sum_by_the_count) {
  EXPECT_DOUBLE_EQ(mean(Values{7}), 7);
  EXPECT_DOUBLE_EQ(mean(Values{1, 2, 6}), 3);
}

TEST(SampleDeviation, has_one_less_than_the_count_below_the_squares) {
  EXPECT_FALSE(sample_deviation(Values{}));
  EXPECT_FALSE(sample_deviation(Values{7}));
  EXPECT_DOUBLE_EQ(*sample_deviation(Values{1, 3}), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(*sample_deviation(Values{2, 4, 4, 4, 5, 5, 7, 9}), std::sqrt(32.0 / 7));
}

TEST(Ranks, begin_with_1_for_the_highest_and_are_shared_by_equals) {
  EXPECT_THAT(ranks(Values{}), ElementsAre());
  EXPECT_THAT(ranks(Values{5}), ElementsAre(1));
  EXPECT_THAT(ranks(Values{70, 90, 80}), ElementsAre(3, 1, 2));
  EXPECT_THAT(ranks(Values{80, 90, 80, 70}), ElementsAre(2.5, 1, 2.5, 4));
  EXPECT_THAT(ranks(Values{1, 1, 1}), ElementsAre(2, 2, 2));
}

/// The same p by going through all signs that the differences could have, with ranks counted one by one.
double by_all_signs(const Values& differences) {
  Values some;
  for (double d : differences)
    if (d != 0) some.push_back(d);
  const std::size_t n = some.size();
  Values rank(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const double a = std::abs(some[i]), b = std::abs(some[j]);
      rank[i] += b < a ? 1 : b == a ? 0.5 : 0;
    }
    rank[i] += 0.5;
  }
  double found = 0, all = 0;
  for (std::size_t i = 0; i < n; ++i) {
    all += rank[i];
    if (some[i] > 0) found += rank[i];
  }
  long as_far = 0;
  for (std::size_t signs = 0; signs < std::size_t{1} << n; ++signs) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i)
      if (signs >> i & 1) sum += rank[i];
    as_far += std::abs(sum - all / 2) >= std::abs(found - all / 2);
  }
  return static_cast<double>(as_far) / static_cast<double>(std::size_t{1} << n);
}

TEST(Wilcoxon, has_the_values_of_tables) {
  // All of one sign: 2 of 2^n ways are as extreme.
  EXPECT_DOUBLE_EQ(wilcoxon_p(Values{1}), 1);
  EXPECT_DOUBLE_EQ(wilcoxon_p(Values{1, 2, 3, 4, 5}), 2.0 / 32);
  EXPECT_DOUBLE_EQ(wilcoxon_p(Values{-1, -2, -3, -4, -5, -6}), 2.0 / 64);
  // The rank sum below 0 is 3 of 21: 5 of 64 ways sum up to 3 or less ({}, 1, 2, 3, 1+2).
  EXPECT_DOUBLE_EQ(wilcoxon_p(Values{-1, -2, 3, 4, 5, 6}), 2 * 5.0 / 64);
}

TEST(Wilcoxon, leaves_out_zeros_and_knows_no_order_or_direction) {
  EXPECT_DOUBLE_EQ(wilcoxon_p(Values{}), 1);
  EXPECT_DOUBLE_EQ(wilcoxon_p(Values{0, 0, 0}), 1);
  EXPECT_DOUBLE_EQ(wilcoxon_p(Values{0, 1, 0, 2, 3}), wilcoxon_p(Values{1, 2, 3}));
  EXPECT_DOUBLE_EQ(wilcoxon_p(Values{3, -1, 2, 7}), wilcoxon_p(Values{-7, 1, -2, -3}));
  EXPECT_DOUBLE_EQ(wilcoxon_p(Values{1, -1}), 1);
}

TEST(Wilcoxon, agrees_with_a_count_of_all_signs) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 300; ++trial) {
    Values differences(1 + random() % 12);
    for (double& d : differences) d = static_cast<double>(random() % 9) - 3;  // zeros and ties among them
    EXPECT_NEAR(wilcoxon_p(differences), by_all_signs(differences), 1e-12)
        << ::testing::PrintToString(differences);
  }
}

TEST(Wilcoxon, of_many_differences_is_found_all_the_same) {
  Values differences(200);
  for (std::size_t i = 0; i < differences.size(); ++i) differences[i] = static_cast<double>(i) + 1;
  EXPECT_NEAR(wilcoxon_p(differences) / std::ldexp(2, -200), 1, 1e-9)
      << "both of the outermost of 2^200 signs";
}

}  // namespace
}  // namespace experiments
