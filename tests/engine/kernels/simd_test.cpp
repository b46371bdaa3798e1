#include "engine/kernels/simd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "tests/support/compare.h"
#include "tests/support/kernel_guards.h"
#include "tests/support/random_tensor.h"

namespace engine::kernels {
namespace {

constexpr Index kOffsets = 16, kLongest = 67, kLong = 256;

template <class T>
std::vector<T> random_numbers(Index count, std::uint64_t stream, double std = 1) {
  const Tensor t = support::random_tensor({count}, stream, dtype_of<T>, std);
  return {t.data<T>().begin(), t.data<T>().end()};
}

/// Numbers at a chosen distance from a vector boundary, between guards.
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

/// A loop that treats every number alike: y[i] depends on a[i], b[i] and what stood in y[i].
template <class T>
struct Loop {
  const char* name;
  std::function<void(Index n, const T* a, const T* b, T* y)> run;
};

template <class T>
std::vector<Loop<T>> element_loops() {
  const Simd<T>& s = simd<T>();
  const T half = static_cast<T>(0.5), tenth = static_cast<T>(0.1);
  return {
      {"gelu", [&](Index n, const T* a, const T*, T* y) { s.gelu(n, a, y); }},
      {"gelu_backward", [&](Index n, const T* a, const T* b, T* y) { s.gelu_backward(n, a, b, y); }},
      {"softmax_again", [&s, half](Index n, const T*, const T*, T* y) { s.softmax_again(n, half, 3, y); }},
      {"softmax_backward",
       [&s, half, tenth](Index n, const T* a, const T*, T* y) { s.softmax_backward(n, half, tenth, a, y); }},
      {"axpy", [&s, tenth](Index n, const T* a, const T*, T* y) { s.axpy(n, tenth, a, y); }},
  };
}

template <class T>
void expect_alike_everywhere(const Loop<T>& loop) {
  const std::vector<T> a = random_numbers<T>(kLong, 1, 2), b = random_numbers<T>(kLong, 2),
                       before = random_numbers<T>(kLong, 3);
  std::vector<T> whole = before;
  loop.run(kLong, a.data(), b.data(), whole.data());
  const Index middle = kLong / 2 - kLongest / 2;
  for (Index offset = 0; offset < kOffsets; ++offset) {
    for (Index n = 1; n <= kLongest; ++n) {
      Shifted<T> x(a.data() + middle, n, offset), z(b.data() + middle, n, (offset * 5) % kOffsets),
          y(before.data() + middle, n, (offset * 3) % kOffsets);
      loop.run(n, x.data(), z.data(), y.data());
      ASSERT_EQ(std::memcmp(y.data(), whole.data() + middle, static_cast<std::size_t>(n) * sizeof(T)), 0)
          << loop.name << " of " << n << " numbers at offset " << offset;
      ASSERT_TRUE(y.guards_hold()) << loop.name << " of " << n << " numbers at offset " << offset;
    }
  }
}

TEST(ElementLoops, treat_every_number_alike_wherever_it_stands) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    for (const auto& loop : element_loops<float>()) expect_alike_everywhere(loop);
    for (const auto& loop : element_loops<double>()) expect_alike_everywhere(loop);
  }
}

/// A loop over a whole row: numbers out, all depending on all numbers in.
template <class T>
struct RowLoop {
  const char* name;
  /// Writes n numbers to y and returns up to two more.
  std::function<std::pair<T, T>(Index n, const T* a, const T* b, const T* c, T* y)> run;
  /// The same in double precision.
  std::function<std::pair<double, double>(Index n, const T* a, const T* b, const T* c, double* y)> plain;
  double tolerance;  ///< in units of T's epsilon, relative to the largest number
};

template <class T>
double eps_of_layer_norm() {
  return static_cast<double>(static_cast<T>(0.01));
}

template <class T>
std::pair<double, double> moments(Index n, const T* x) {
  double mean = 0, squares = 0;
  for (Index i = 0; i < n; ++i) mean += static_cast<double>(x[i]) / static_cast<double>(n);
  for (Index i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, 1 / std::sqrt(squares / static_cast<double>(n) + eps_of_layer_norm<T>())};
}

template <class T>
std::pair<double, double> plain_softmax(Index n, const T* a, double scale, double* y) {
  double top = -INFINITY, total = 0;
  for (Index i = 0; i < n; ++i) top = std::max(top, scale * a[i]);
  for (Index i = 0; i < n; ++i) total += y[i] = std::exp(scale * a[i] - top);
  for (Index i = 0; i < n; ++i) y[i] /= total;
  return {top + std::log(total), 0};
}

template <class T>
std::pair<double, double> plain_layer_norm(Index n, const T* x, const T* w, const T* b, double* y) {
  const auto [mean, rstd] = moments(n, x);
  for (Index i = 0; i < n; ++i) y[i] = (x[i] - mean) * rstd * w[i] + b[i];
  return {mean, rstd};
}

template <class T>
std::pair<double, double> plain_layer_norm_backward(Index n, const T* x, const T* w, const T* dy,
                                                    double* dx) {
  const auto [mean, rstd] = moments(n, x);
  double g = 0, g_xhat = 0;
  for (Index i = 0; i < n; ++i) {
    g += static_cast<double>(dy[i]) * w[i] / static_cast<double>(n);
    g_xhat += static_cast<double>(dy[i]) * w[i] * (x[i] - mean) * rstd / static_cast<double>(n);
  }
  for (Index i = 0; i < n; ++i)
    dx[i] = rstd * (static_cast<double>(dy[i]) * w[i] - g - (x[i] - mean) * rstd * g_xhat);
  return {0, 0};
}

template <class T>
std::vector<RowLoop<T>> row_loops() {
  const Simd<T>& s = simd<T>();
  const T scale = static_cast<T>(0.75), eps = static_cast<T>(0.01);
  return {
      {"softmax",
       [&s, scale](Index n, const T* a, const T*, const T*, T* y) {
         std::copy_n(a, n, y);
         return std::pair(s.softmax(n, scale, y), T{0});
       },
       [](Index n, const T* a, const T*, const T*, double* y) { return plain_softmax(n, a, 0.75, y); }, 8},
      {"layer_norm",
       [&s, eps](Index n, const T* a, const T* b, const T* c, T* y) {
         T mean, rstd;
         s.layer_norm(n, a, b, c, eps, y, &mean, &rstd);
         return std::pair(mean, rstd);
       },
       plain_layer_norm<T>, 16},
      {"layer_norm_backward",
       [&s](Index n, const T* a, const T* b, const T* c, T* y) {
         const auto [mean, rstd] = moments(n, a);
         s.layer_norm_backward(n, a, b, c, static_cast<T>(mean), static_cast<T>(rstd), y);
         return std::pair(T{0}, T{0});
       },
       plain_layer_norm_backward<T>, 64},
      {"dot",
       [&s](Index n, const T* a, const T* b, const T*, T* y) {
         std::fill_n(y, n, T{0});
         return std::pair(s.dot(n, a, b), T{0});
       },
       [](Index n, const T* a, const T* b, const T*, double* y) {
         double sum = 0;
         for (Index i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i], y[i] = 0;
         return std::pair(sum, 0.0);
       },
       64},
  };
}

template <class T>
void expect_row_loop_right(const RowLoop<T>& loop) {
  const std::vector<T> a = random_numbers<T>(kLongest, 4), b = random_numbers<T>(kLongest, 5),
                       c = random_numbers<T>(kLongest, 6), unset(kLongest);
  for (Index n = 1; n <= kLongest; ++n) {
    std::vector<T> aligned(kLongest);
    const auto results = loop.run(n, a.data(), b.data(), c.data(), aligned.data());
    std::vector<double> plain(kLongest);
    const auto expected = loop.plain(n, a.data(), b.data(), c.data(), plain.data());
    double largest = std::max({1.0, std::abs(expected.first), std::abs(expected.second)});
    for (double value : plain) largest = std::max(largest, std::abs(value));
    const double tolerance = loop.tolerance * std::numeric_limits<T>::epsilon() * largest;
    ASSERT_NEAR(results.first, expected.first, tolerance) << loop.name << " of " << n;
    ASSERT_NEAR(results.second, expected.second, tolerance) << loop.name << " of " << n;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
      ASSERT_NEAR(aligned[i], plain[i], tolerance) << loop.name << " of " << n << " at " << i;

    for (Index offset = 0; offset < kOffsets; ++offset) {
      Shifted<T> x(a.data(), n, offset), z(b.data(), n, (offset * 5) % kOffsets),
          v(c.data(), n, (offset * 7) % kOffsets), y(unset.data(), n, (offset * 3) % kOffsets);
      ASSERT_EQ(loop.run(n, x.data(), z.data(), v.data(), y.data()), results)
          << loop.name << " of " << n << " at offset " << offset;
      ASSERT_EQ(std::memcmp(y.data(), aligned.data(), static_cast<std::size_t>(n) * sizeof(T)), 0)
          << loop.name << " of " << n << " at offset " << offset;
      ASSERT_TRUE(y.guards_hold()) << loop.name << " of " << n << " at offset " << offset;
    }
  }
}

TEST(RowLoops, agree_with_doubles_at_any_length_and_offset) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    for (const auto& loop : row_loops<float>()) expect_row_loop_right(loop);
    for (const auto& loop : row_loops<double>()) expect_row_loop_right(loop);
  }
}

TEST(Softmax, survives_huge_and_equal_scores) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> row(21, -1e30f);
    row[20] = 3e38f;
    EXPECT_EQ(simd<float>().softmax(21, 1, row.data()), 3e38f) << set;
    for (std::size_t i = 0; i < 21; ++i) EXPECT_EQ(row[i], i == 20 ? 1 : 0) << set;
    std::vector<float> equal(19, -12345);
    simd<float>().softmax(19, 1, equal.data());
    for (const float p : equal) EXPECT_NEAR(p, 1.0 / 19, 1e-8) << set;
  }
}

TEST(Softmax, gives_a_hidden_score_no_weight) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> row{1, -INFINITY, 1};
    simd<float>().softmax(3, 1, row.data());
    EXPECT_EQ(row, (std::vector<float>{0.5f, 0, 0.5f})) << set;
  }
}

TEST(Softmax, carries_nan) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> row{1, NAN, 2};
    simd<float>().softmax(3, 1, row.data());
    EXPECT_TRUE(std::isnan(row[0]) && std::isnan(row[1]) && std::isnan(row[2])) << set;
  }
}

/// Numbers from `low` to `high`, evenly spread.
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

TEST(Accuracy, of_exp_in_softmax) {
  const std::vector<float> x = sweep(-87.3, 0, kSweep);
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> y = x;
    simd<float>().softmax_again(kSweep, 1, 0, y.data());
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = std::exp(static_cast<double>(x[i]));
      worst = std::max(worst, std::abs(y[i] - exact) / exact);
    }
    EXPECT_LT(worst, 2 * kUlp) << set;
  }
}

TEST(Accuracy, exp_in_softmax_is_zero_far_below) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> y{-87.31f, -88, -1000, -1e30f, -INFINITY};
    simd<float>().softmax_again(5, 1, 0, y.data());
    for (const float value : y) EXPECT_EQ(value, 0) << set;
  }
}

TEST(Accuracy, of_gelu) {
  const std::vector<float> x = sweep(-30, 30, kSweep);
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> y(x.size());
    simd<float>().gelu(kSweep, x.data(), y.data());
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
    simd<float>().gelu_backward(kSweep, x.data(), one.data(), y.data());
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
    simd<float>().gelu(static_cast<Index>(x.size()), x.data(), y.data());
    EXPECT_EQ(y[0], 0) << set;
    EXPECT_EQ(y[1], 0) << set;
    EXPECT_EQ(y[2], INFINITY) << set;
    EXPECT_TRUE(std::isnan(y[3])) << set;
    EXPECT_EQ(y[4], 1e30f) << set;
    EXPECT_EQ(y[5], 0) << set;
    EXPECT_NEAR(y[6], 0.5e-40f, 2e-45f) << set;
  }
}

TEST(Sets, agree_with_each_other) {
  const std::vector<std::string_view> sets = support::simd_sets();
  const std::vector<float> a = random_numbers<float>(1009, 1, 3), b = random_numbers<float>(1009, 2);
  std::vector<float> first(a.size());
  for (const std::string_view set : sets) {
    const support::UseSimd use(set);
    std::vector<float> y(a.size());
    simd<float>().gelu_backward(1009, a.data(), b.data(), y.data());
    if (set == sets.front()) first = y;
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], first[i], 1e-6) << set;
  }
}

}  // namespace
}  // namespace engine::kernels
