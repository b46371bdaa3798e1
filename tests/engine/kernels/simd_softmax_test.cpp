#include "engine/kernels/simd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/engine/kernels/shifted.h"
#include "tests/support/kernel_guards.h"

namespace engine::kernels {
namespace {

/// A softmax down the columns, and what comes of it in doubles.
template <class T>
void expect_softmax_right(Index rows, Index vectors, Index offset) {
  const Simd<T>& s = simd<T>();
  const Index columns = vectors * s.tiles.lanes, n = rows * columns;
  const T scale = static_cast<T>(0.75);
  const std::vector<T> scores = random_numbers<T>(n, 7, 3), dps = random_numbers<T>(n, 8),
                       dots = random_numbers<T>(columns, 9);
  Shifted<T> p(scores.data(), n, offset), again(scores.data(), n, (offset * 3) % kOffsets),
      ds(dps.data(), n, (offset * 5) % kOffsets), log_sum_exp(dots.data(), columns, (offset * 7) % kOffsets),
      inverse(dots.data(), columns, offset);
  s.softmax(rows, columns, scale, p.data(), columns, log_sum_exp.data(), inverse.data());
  for (Index at = 0; at < n; ++at) p.data()[at] *= inverse.data()[at % columns];
  s.softmax_from_lse(rows, columns, scale, log_sum_exp.data(), again.data(), columns);
  s.softmax_backward(rows, columns, scale, dots.data(), p.data(), ds.data(), columns);
  for (const Shifted<T>* values : {&p, &again, &ds, &log_sum_exp, &inverse})
    ASSERT_TRUE(values->guards_hold());
  const double unit = std::numeric_limits<T>::epsilon();
  for (Index j = 0; j < columns; ++j) {
    double top = -INFINITY, total = 0;
    const auto score = [&](Index r) { return 0.75 * scores[static_cast<std::size_t>(r * columns + j)]; };
    for (Index r = 0; r < rows; ++r) top = std::max(top, score(r));
    for (Index r = 0; r < rows; ++r) total += std::exp(score(r) - top);
    ASSERT_NEAR(log_sum_exp.data()[j], top + std::log(total), 16 * unit * std::max(1.0, std::abs(top)));
    for (Index r = 0; r < rows; ++r) {
      const Index at = r * columns + j;
      const double exact = std::exp(score(r) - top) / total;
      ASSERT_NEAR(p.data()[at], exact, 16 * unit) << rows << " x " << columns << " at " << r << ", " << j;
      ASSERT_NEAR(again.data()[at], exact, 16 * unit);
      const double dp =
          0.75 * exact *
          (dps[static_cast<std::size_t>(at)] - static_cast<double>(dots[static_cast<std::size_t>(j)]));
      ASSERT_NEAR(ds.data()[at], dp, 64 * unit);
    }
  }
}

TEST(SoftmaxColumns, agree_with_doubles_at_any_offset) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    for (const Index rows : {1, 2, 7, 50}) {
      for (const Index vectors : {1, 2, 3}) {
        for (const Index offset : {0, 1, 5}) {
          expect_softmax_right<float>(rows, vectors, offset);
          expect_softmax_right<double>(rows, vectors, offset);
        }
      }
    }
  }
}

/// The softmaxes leave alone what lies between the rows of a matrix, and do not read it.
template <class T>
void expect_gaps_kept(Index rows) {
  const Simd<T>& s = simd<T>();
  const Index columns = 2 * s.tiles.lanes, stride = columns + 3;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const std::vector<T> scores = random_numbers<T>(rows * columns, 7, 3),
                       zeros(static_cast<std::size_t>(columns));
  std::vector<T> wide(static_cast<std::size_t>(rows * stride), nan), tight = scores, logs = zeros,
                                                                     inverse = zeros;
  for (Index r = 0; r < rows; ++r)
    std::copy_n(scores.data() + r * columns, columns, wide.data() + r * stride);
  std::vector<T> wide_dp = wide, dp = scores;
  s.softmax(rows, columns, 1, tight.data(), columns, logs.data(), inverse.data());
  s.softmax(rows, columns, 1, wide.data(), stride, logs.data(), inverse.data());
  s.softmax_from_lse(rows, columns, 1, logs.data(), tight.data(), columns);
  s.softmax_from_lse(rows, columns, 1, logs.data(), wide.data(), stride);
  s.softmax_backward(rows, columns, 1, zeros.data(), tight.data(), dp.data(), columns);
  s.softmax_backward(rows, columns, 1, zeros.data(), wide.data(), wide_dp.data(), stride);
  for (Index r = 0; r < rows; ++r) {
    for (Index j = 0; j < stride; ++j) {
      const auto at = static_cast<std::size_t>(r * stride + j),
                 from = static_cast<std::size_t>(r * columns + j);
      if (j < columns) {
        ASSERT_EQ(wide[at], tight[from]) << r << ", " << j;
        ASSERT_EQ(wide_dp[at], dp[from]) << r << ", " << j;
      } else {
        ASSERT_TRUE(std::isnan(wide[at]) && std::isnan(wide_dp[at])) << r << ", " << j;
      }
    }
  }
}

TEST(SoftmaxColumns, leave_what_lies_between_rows_alone) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    expect_gaps_kept<float>(7);
    expect_gaps_kept<double>(7);
  }
}

/// The softmax of one column of scores; every column holds the same.
std::vector<float> softmax_of(const std::vector<float>& scores, float* log_sum_exp = nullptr) {
  const Index rows = static_cast<Index>(scores.size()), columns = simd<float>().tiles.lanes;
  std::vector<float> all, logs(static_cast<std::size_t>(columns)), inverse(logs.size()), p;
  for (const float score : scores) all.insert(all.end(), logs.size(), score);
  simd<float>().softmax(rows, columns, 1, all.data(), columns, logs.data(), inverse.data());
  for (Index r = 0; r < rows; ++r) p.push_back(all[static_cast<std::size_t>(r * columns)] * inverse.front());
  if (log_sum_exp) *log_sum_exp = logs.front();
  return p;
}

TEST(Softmax, survives_huge_and_equal_scores) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> scores(21, -1e30f);
    scores[20] = 3e38f;
    float log_sum_exp = 0;
    const std::vector<float> p = softmax_of(scores, &log_sum_exp);
    EXPECT_EQ(log_sum_exp, 3e38f) << set;
    for (std::size_t i = 0; i < 21; ++i) EXPECT_EQ(p[i], i == 20 ? 1 : 0) << set;
    for (const float q : softmax_of(std::vector<float>(19, -12345))) EXPECT_NEAR(q, 1.0 / 19, 1e-8) << set;
  }
}

/// Scores so large that they round to more than the logarithm of their sum.
template <class T>
void expect_at_most_one(T score, T log_sum_exp) {
  const Simd<T>& s = simd<T>();
  std::vector<T> p(static_cast<std::size_t>(s.tiles.lanes), score), logs(p.size(), log_sum_exp);
  s.softmax_from_lse(1, s.tiles.lanes, 1, logs.data(), p.data(), s.tiles.lanes);
  for (const T q : p) EXPECT_EQ(q, 1);
}

TEST(Softmax, seen_again_is_at_most_one) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    expect_at_most_one<float>(1e10f, 1e10f - 4096);
    expect_at_most_one<double>(1e20, 1e20 - 65536);
  }
}

TEST(Softmax, gives_a_hidden_score_no_weight) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    EXPECT_EQ(softmax_of({1, -INFINITY, 1}), (std::vector<float>{0.5f, 0, 0.5f})) << set;
  }
}

TEST(Softmax, carries_nan) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    for (const float p : softmax_of({1, NAN, 2})) EXPECT_TRUE(std::isnan(p)) << set;
    for (const float p : softmax_of({NAN, 1, 2})) EXPECT_TRUE(std::isnan(p)) << set;
  }
}

}  // namespace
}  // namespace engine::kernels
