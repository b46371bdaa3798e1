#include "engine/kernels/simd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "tests/engine/kernels/shifted.h"
#include "tests/support/kernel_guards.h"

namespace engine::kernels {
namespace {

constexpr Index kLongest = 67, kLong = 256;

/// A loop that treats every value alike: y[i] depends on a[i], b[i] and what stood in y[i].
template <class T>
struct Loop {
  const char* name;
  std::function<void(Index n, const T* a, const T* b, T* y)> run;
};

template <class T>
std::vector<Loop<T>> element_loops() {
  const Simd<T>& s = simd<T>();
  const T half = static_cast<T>(0.5);
  return {
      {"gelu", [&](Index n, const T* a, const T*, T* y) { s.activate(Activation::gelu, n, a, y); }},
      {"silu", [&](Index n, const T* a, const T*, T* y) { s.activate(Activation::silu, n, a, y); }},
      {"gelu_backward",
       [&](Index n, const T* a, const T* b, T* y) { s.activate_backward(Activation::gelu, n, a, b, y); }},
      {"gelu_tanh_backward", [&](Index n, const T* a, const T* b,
                                 T* y) { s.activate_backward(Activation::gelu_tanh, n, a, b, y); }},
      {"add", [&](Index n, const T* a, const T* b, T* y) { s.add(n, a, b, y); }},
      {"add_rows", [&](Index n, const T* a, const T*, T* y) { s.add_rows(1, n, a, n, y); }},
      {"finish",
       [&s, half](Index n, const T* a, const T* b, T* y) {
         s.epilogue(1, n, y, n,
                    {.bias = a, .activation = Activation::gelu, .scale = b, .factors = &half, .residual = b});
       }},
      {"copy", [&](Index n, const T* a, const T*, T* y) { s.copy(1, n, a, n, y, n); }},
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
          << loop.name << " of " << n << " values at offset " << offset;
      ASSERT_TRUE(y.guards_hold()) << loop.name << " of " << n << " values at offset " << offset;
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

/// A loop over a whole row: values out, all depending on all values in.
template <class T>
struct RowLoop {
  const char* name;
  /// Writes n values to y and returns up to two more.
  std::function<std::pair<T, T>(Index n, const T* a, const T* b, const T* c, T* y)> run;
  /// The same in double precision.
  std::function<std::pair<double, double>(Index n, const T* a, const T* b, const T* c, double* y)> plain;
  double tolerance;  ///< in units of T's epsilon, relative to the largest value
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
  const T eps = static_cast<T>(0.01);
  return {
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

TEST(Sets, agree_with_each_other) {
  const std::vector<std::string_view> sets = support::simd_sets();
  const std::vector<float> a = random_numbers<float>(1009, 1, 3), b = random_numbers<float>(1009, 2);
  std::vector<float> first(a.size());
  for (const std::string_view set : sets) {
    const support::UseSimd use(set);
    std::vector<float> y(a.size());
    simd<float>().activate_backward(Activation::gelu, 1009, a.data(), b.data(), y.data());
    if (set == sets.front()) first = y;
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], first[i], 1e-6) << set;
  }
}

}  // namespace
}  // namespace engine::kernels
