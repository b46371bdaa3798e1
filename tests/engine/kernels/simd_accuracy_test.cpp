// How far exp, GELU and its derivative are from what doubles give, with every instruction set.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "engine/base/div_up.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/simd.h"
#include "tests/support/kernel_guards.h"

namespace engine::kernels {
namespace {

/// Values from `low` to `high`, evenly spread.
std::vector<float> sweep(double low, double high, Index count) {
  std::vector<float> x;
  for (Index i = 0; i < count; ++i)
    x.push_back(
        static_cast<float>(low + (high - low) * static_cast<double>(i) / static_cast<double>(count - 1)));
  return x;
}

double normal_distribution(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0));
}
double normal_density(double x) {
  return std::exp(-0.5 * x * x) / std::sqrt(8 * std::atan(1.0));
}

constexpr Index kSweep = 1'000'003;
constexpr double kUlp = 0x1p-23;  // of f32 numbers from 1 to 2

/// Replaces values by their exponentials as the softmax computes them.
void exp_of(std::vector<float>& x) {
  const Index lanes = simd<float>().tiles.lanes, n = static_cast<Index>(x.size());
  const std::vector<float> zeros(static_cast<std::size_t>(lanes));
  x.resize(static_cast<std::size_t>(round_up(n, lanes)));
  simd<float>().softmax_from_lse(static_cast<Index>(x.size()) / lanes, lanes, 1, zeros.data(), x.data(),
                                 lanes);
  x.resize(static_cast<std::size_t>(n));
}

TEST(Accuracy, of_exp_in_softmax) {
  const std::vector<float> x = sweep(-87.3, 0, kSweep);
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> y = x;
    exp_of(y);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = std::exp(static_cast<double>(x[i]));
      worst = std::max(worst, std::abs(y[i] - exact) / exact);
    }
    EXPECT_LT(worst, 2 * kUlp) << set;
  }
}

/// Calls `check(x)` with all floats from `first` on in order of their bits, `count` in all, some at a time;
/// of every kStride values one, unless ESPALIER_EXHAUSTIVE is set.
template <class F>
void each_float(float first, Index count, F check) {
  constexpr Index kAtOnce = 1 << 16, kStride = 257;
  const Index stride = std::getenv("ESPALIER_EXHAUSTIVE") ? 1 : kStride;
  const std::uint32_t start = std::bit_cast<std::uint32_t>(first);
  parallel_chunks(div_up(count, stride), kAtOnce, [&](Index begin, Index end) {
    std::vector<float> x;
    for (Index i = begin; i < end; ++i)
      x.push_back(std::bit_cast<float>(start + static_cast<std::uint32_t>(i * stride)));
    check(x);
  });
}

/// How many floats there are from 0 to `x`, 0 left out.
Index floats_up_to(float x) {
  return std::bit_cast<std::uint32_t>(x);
}

/// The distance from `exact` to a float near it, in units of the last place of a float of that size.
double ulps(float value, double exact) {
  const float nearest = static_cast<float>(exact);
  const double unit = static_cast<double>(std::nextafter(std::abs(nearest), INFINITY)) - std::abs(nearest);
  return std::abs(value - exact) / unit;
}

/// The largest of values that come from several threads.
class Worst {
 public:
  void add(double x) {
    double before = worst_.load();
    while (x > before && !worst_.compare_exchange_weak(before, x)) {
    }
  }
  double value() const { return worst_; }

 private:
  std::atomic<double> worst_{0};
};

// With ESPALIER_EXHAUSTIVE=1 these two prove their bounds for every float.
TEST(Accuracy, exp_is_within_2_units_in_the_last_place) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    Worst worst;
    each_float(-0.0f, floats_up_to(87.3f) + 1, [&](const std::vector<float>& x) {
      std::vector<float> y = x;
      exp_of(y);
      double most = 0;
      for (std::size_t i = 0; i < x.size(); ++i)
        most = std::max(most, ulps(y[i], std::exp(static_cast<double>(x[i]))));
      worst.add(most);
    });
    EXPECT_LE(worst.value(), 2) << set;
    RecordProperty("exp_ulps_" + std::string(set), std::to_string(worst.value()));
    std::printf("exp, %s: at most %.3f units in the last place\n", std::string(set).c_str(), worst.value());
  }
}

TEST(Accuracy, normal_distribution_is_within_two_and_a_half_ten_millionths) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    for (const float sign : {1.0f, -1.0f}) {
      Worst worst;
      each_float(sign * 1e-3f, floats_up_to(20.0f) - floats_up_to(1e-3f), [&](const std::vector<float>& x) {
        std::vector<float> y(x.size());
        simd<float>().activate(Activation::gelu, static_cast<Index>(x.size()), x.data(), y.data());
        double most = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
          const double v = x[i];
          most = std::max(most, std::abs(y[i] / v - normal_distribution(v)));
        }
        worst.add(most);
      });
      EXPECT_LE(worst.value(), 2.5e-7) << set;
      std::printf("gelu(x) / x, %s, x %c 0: at most %.3g off\n", std::string(set).c_str(),
                  sign > 0 ? '>' : '<', worst.value());
    }
  }
}

TEST(Accuracy, exp_in_softmax_is_zero_far_below) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> y{-87.7f, -88, -1000, -1e30f, -INFINITY};
    exp_of(y);
    for (const float value : y) EXPECT_EQ(value, 0) << set;
  }
}

TEST(Accuracy, of_gelu) {
  const std::vector<float> x = sweep(-30, 30, kSweep);
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> y(x.size());
    simd<float>().activate(Activation::gelu, kSweep, x.data(), y.data());
    // Relative to the size of x everywhere, and to the result itself above -5.
    double absolute = 0, relative = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double v = x[i], error = std::abs(y[i] - v * normal_distribution(v));
      absolute = std::max(absolute, error / std::max(1.0, std::abs(v)));
      if (v > -5)
        relative = std::max(relative, error / std::max(1e-30, std::abs(v * normal_distribution(v))));
    }
    EXPECT_LT(absolute, kUlp) << set;
    EXPECT_LT(relative, 8 * kUlp) << set;
  }
}

TEST(Accuracy, of_gelu_backward) {
  const std::vector<float> x = sweep(-30, 30, kSweep), one(x.size(), 1);
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> y(x.size());
    simd<float>().activate_backward(Activation::gelu, kSweep, x.data(), one.data(), y.data());
    double absolute = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double v = x[i];
      absolute = std::max(absolute, std::abs(y[i] - (normal_distribution(v) + v * normal_density(v))));
    }
    EXPECT_LT(absolute, 2 * kUlp) << set;
  }
}

TEST(Gelu, of_special_numbers) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    const std::vector<float> x{0, -0.0f, INFINITY, NAN, 1e30f, -1e30f, 1e-40f};
    std::vector<float> y(x.size());
    simd<float>().activate(Activation::gelu, static_cast<Index>(x.size()), x.data(), y.data());
    EXPECT_EQ(y[0], 0) << set;
    EXPECT_EQ(y[1], 0) << set;
    EXPECT_EQ(y[2], INFINITY) << set;
    EXPECT_TRUE(std::isnan(y[3])) << set;
    EXPECT_EQ(y[4], 1e30f) << set;
    EXPECT_EQ(y[5], 0) << set;
    EXPECT_NEAR(y[6], 0.5e-40f, 2e-45f) << set;
  }
}

}  // namespace
}  // namespace engine::kernels
