#include "engine/kernels/simd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>

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
  const T half = static_cast<T>(0.5);
  return {
      {"gelu", [&](Index n, const T* a, const T*, T* y) { s.gelu(n, a, y); }},
      {"gelu_backward", [&](Index n, const T* a, const T* b, T* y) { s.gelu_backward(n, a, b, y); }},
      {"add", [&](Index n, const T* a, const T* b, T* y) { s.add(n, a, b, y); }},
      {"add_rows", [&](Index n, const T* a, const T*, T* y) { s.add_rows(1, n, a, n, y); }},
      {"finish",
       [&s, half](Index n, const T* a, const T* b, T* y) {
         s.finish(1, n, y, n, {.bias = a, .before = nullptr, .gelu = true, .factors = &half, .residual = b});
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

/// A softmax down the columns, and what comes of it in doubles.
template <class T>
void expect_softmax_right(Index rows, Index vectors, Index offset) {
  const Simd<T>& s = simd<T>();
  const Index columns = vectors * s.tiles.lanes, n = rows * columns;
  const T scale = static_cast<T>(0.75);
  const std::vector<T> scores = random_numbers<T>(n, 7, 3), slopes = random_numbers<T>(n, 8),
                       dots = random_numbers<T>(columns, 9);
  Shifted<T> p(scores.data(), n, offset), again(scores.data(), n, (offset * 3) % kOffsets),
      ds(slopes.data(), n, (offset * 5) % kOffsets), log_sum(dots.data(), columns, (offset * 7) % kOffsets),
      inverse(dots.data(), columns, offset);
  s.softmax(rows, columns, scale, p.data(), columns, log_sum.data(), inverse.data());
  for (Index at = 0; at < n; ++at) p.data()[at] *= inverse.data()[at % columns];
  s.softmax_again(rows, columns, scale, log_sum.data(), again.data(), columns);
  s.softmax_backward(rows, columns, scale, dots.data(), p.data(), ds.data(), columns);
  for (const Shifted<T>* numbers : {&p, &again, &ds, &log_sum, &inverse}) ASSERT_TRUE(numbers->guards_hold());
  const double unit = std::numeric_limits<T>::epsilon();
  for (Index j = 0; j < columns; ++j) {
    double top = -INFINITY, total = 0;
    const auto score = [&](Index r) { return 0.75 * scores[static_cast<std::size_t>(r * columns + j)]; };
    for (Index r = 0; r < rows; ++r) top = std::max(top, score(r));
    for (Index r = 0; r < rows; ++r) total += std::exp(score(r) - top);
    ASSERT_NEAR(log_sum.data()[j], top + std::log(total), 16 * unit * std::max(1.0, std::abs(top)));
    for (Index r = 0; r < rows; ++r) {
      const Index at = r * columns + j;
      const double exact = std::exp(score(r) - top) / total;
      ASSERT_NEAR(p.data()[at], exact, 16 * unit) << rows << " x " << columns << " at " << r << ", " << j;
      ASSERT_NEAR(again.data()[at], exact, 16 * unit);
      const double slope =
          0.75 * exact *
          (slopes[static_cast<std::size_t>(at)] - static_cast<double>(dots[static_cast<std::size_t>(j)]));
      ASSERT_NEAR(ds.data()[at], slope, 64 * unit);
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
  std::vector<T> wide_slope = wide, slope = scores;
  s.softmax(rows, columns, 1, tight.data(), columns, logs.data(), inverse.data());
  s.softmax(rows, columns, 1, wide.data(), stride, logs.data(), inverse.data());
  s.softmax_again(rows, columns, 1, logs.data(), tight.data(), columns);
  s.softmax_again(rows, columns, 1, logs.data(), wide.data(), stride);
  s.softmax_backward(rows, columns, 1, zeros.data(), tight.data(), slope.data(), columns);
  s.softmax_backward(rows, columns, 1, zeros.data(), wide.data(), wide_slope.data(), stride);
  for (Index r = 0; r < rows; ++r) {
    for (Index j = 0; j < stride; ++j) {
      const auto at = static_cast<std::size_t>(r * stride + j),
                 from = static_cast<std::size_t>(r * columns + j);
      if (j < columns) {
        ASSERT_EQ(wide[at], tight[from]) << r << ", " << j;
        ASSERT_EQ(wide_slope[at], slope[from]) << r << ", " << j;
      } else {
        ASSERT_TRUE(std::isnan(wide[at]) && std::isnan(wide_slope[at])) << r << ", " << j;
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
std::vector<float> softmax_of(const std::vector<float>& scores, float* log_sum = nullptr) {
  const Index rows = static_cast<Index>(scores.size()), columns = simd<float>().tiles.lanes;
  std::vector<float> all, logs(static_cast<std::size_t>(columns)), inverse(logs.size()), p;
  for (const float score : scores) all.insert(all.end(), logs.size(), score);
  simd<float>().softmax(rows, columns, 1, all.data(), columns, logs.data(), inverse.data());
  for (Index r = 0; r < rows; ++r) p.push_back(all[static_cast<std::size_t>(r * columns)] * inverse.front());
  if (log_sum) *log_sum = logs.front();
  return p;
}

TEST(Softmax, survives_huge_and_equal_scores) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    std::vector<float> scores(21, -1e30f);
    scores[20] = 3e38f;
    float log_sum = 0;
    const std::vector<float> p = softmax_of(scores, &log_sum);
    EXPECT_EQ(log_sum, 3e38f) << set;
    for (std::size_t i = 0; i < 21; ++i) EXPECT_EQ(p[i], i == 20 ? 1 : 0) << set;
    for (const float q : softmax_of(std::vector<float>(19, -12345))) EXPECT_NEAR(q, 1.0 / 19, 1e-8) << set;
  }
}

/// Scores so large that they round to more than the logarithm of their sum.
template <class T>
void expect_at_most_one(T score, T log_sum) {
  const Simd<T>& s = simd<T>();
  std::vector<T> p(static_cast<std::size_t>(s.tiles.lanes), score), logs(p.size(), log_sum);
  s.softmax_again(1, s.tiles.lanes, 1, logs.data(), p.data(), s.tiles.lanes);
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

template <class T>
void expect_transposed(Index rows, Index columns, Index offset) {
  const std::vector<T> from = random_numbers<T>(rows * (columns + 3), 10);
  const Index stride = rows % 2 == 0 ? rows : rows + 5;  // with and without a gap
  std::vector<T> before(static_cast<std::size_t>(columns * stride), T{7});
  Shifted<T> to(before.data(), columns * stride, offset);
  simd<T>().transpose(rows, columns, from.data(), columns + 3, to.data(), stride);
  for (Index p = 0; p < columns; ++p) {
    for (Index i = 0; i < stride; ++i)
      ASSERT_EQ(to.data()[p * stride + i],
                i < rows ? from[static_cast<std::size_t>(i * (columns + 3) + p)] : 7)
          << rows << " x " << columns << " at " << i << ", " << p;
  }
  ASSERT_TRUE(to.guards_hold()) << rows << " x " << columns;
}

TEST(Transpose, moves_every_number_and_nothing_else) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    for (Index rows = 1; rows <= 26; ++rows) {
      for (Index columns = 1; columns <= 35; ++columns) {
        expect_transposed<float>(rows, columns, rows % 3);
        expect_transposed<double>(rows, columns, rows % 3);
      }
    }
  }
}

/// The form of a register tile for a short depth against the usual one: the same bits.
template <class T>
void expect_short_tile_same(Index vectors, Index depth, bool add) {
  const Simd<T>& s = simd<T>();
  const Index rows = s.tiles.rows, width = vectors * s.tiles.lanes;
  ASSERT_EQ(s.short_tiles.rows, rows);
  ASSERT_EQ(s.short_tiles.vectors, s.tiles.vectors);
  const std::vector<T> a = random_numbers<T>(2 * depth * rows, 13), b = random_numbers<T>(depth * width, 14);
  for (const Strided<T> left : {Strided<T>{a.data(), 2 * depth, 2}, Strided<T>{a.data(), 1, rows}}) {
    std::vector<T> usual = random_numbers<T>(rows * width, 15), brief = usual;
    s.tiles.run[vectors - 1](depth, left, b.data(), width, usual.data(), width, add);
    s.short_tiles.run[vectors - 1](depth, left, b.data(), width, brief.data(), width, add);
    ASSERT_EQ(std::memcmp(usual.data(), brief.data(), usual.size() * sizeof(T)), 0)
        << vectors << " vectors, depth " << depth;
  }
}

TEST(Tiles, of_either_form_have_the_same_bits) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    for (const Index depth : {1, 7, 8, 9, 15, 64, 197}) {
      for (const bool add : {false, true}) {
        for (Index v = 1; v <= simd<float>().tiles.vectors; ++v) expect_short_tile_same<float>(v, depth, add);
        for (Index v = 1; v <= simd<double>().tiles.vectors; ++v)
          expect_short_tile_same<double>(v, depth, add);
      }
    }
  }
}

/// Sketches of `rows` rows that lie `columns + 3` numbers apart, and the same by a plain loop: to the last
/// bit, since a sign changes no bit of what it multiplies.
template <class T>
void expect_mixed(Index rows, Index columns, Index count, Index offset) {
  const Index stride = columns + 3, groups = (columns + count - 1) / count;
  const std::vector<T> numbers = random_numbers<T>(rows * stride, 11), coins = random_numbers<T>(columns, 12),
                       unset(static_cast<std::size_t>(rows * count), T{-1});
  std::vector<T> signs;
  for (const T coin : coins) signs.push_back(coin < 0 ? T{-1} : T{1});
  std::vector<MixGroup> group;
  for (Index shift = count - 1; shift >= 0; --shift) {  // group g is shifted by 5 g mod count
    for (Index g = 0; g < groups; ++g)
      if (5 * g % count == shift) group.push_back({g * count, shift});
  }
  std::vector<T> expected(unset.size());
  for (const auto& [first, shift] : group) {
    for (Index j = first; j < std::min(first + count, columns); ++j) {
      for (Index i = 0; i < rows; ++i)
        expected[static_cast<std::size_t>(i * count + (j - first + shift) % count)] +=
            signs[static_cast<std::size_t>(j)] * numbers[static_cast<std::size_t>(i * stride + j)];
    }
  }
  Shifted<T> x(numbers.data(), rows * stride, offset), y(unset.data(), rows * count, (offset * 3) % kOffsets);
  simd<T>().mix_rows(rows, columns, x.data(), stride, {count, groups, group.data(), signs.data()}, y.data());
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_EQ(y.data()[i], expected[i]) << rows << " x " << columns << " in " << count << " at " << i;
  ASSERT_TRUE(y.guards_hold()) << rows << " x " << columns << " in " << count;
}

TEST(MixRows, adds_every_number_to_the_sum_of_its_group_and_shift) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    for (const Index rows : {1, 3, 4, 9}) {
      for (const Index columns : {1, 7, 8, 24, 67, 192}) {
        for (const Index count : {1, 3, 8, 16, 20, 300}) {
          expect_mixed<float>(rows, columns, count, rows);
          expect_mixed<double>(rows, columns, count, rows);
        }
      }
    }
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
