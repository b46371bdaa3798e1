#include "engine/kernels/gemm.h"

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "engine/kernels/caches.h"
#include "engine/kernels/packed_gemm.h"
#include "engine/kernels/simd.h"
#include "tests/support/kernel_guards.h"
#include "tests/support/random_tensor.h"

namespace engine::kernels {
namespace {

template <class T>
using Dense = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// How a matrix lies in memory.
enum class Layout { rows, columns, rows_with_gaps, every_other_column };

/// A random matrix in some layout. What does not belong to it is NaN, so that a read of it shows.
template <class T>
class Source {
 public:
  Source(Index rows, Index columns, Layout layout, std::uint64_t stream) {
    const Index gap = layout == Layout::rows_with_gaps ? 3 : 0,
                step = layout == Layout::every_other_column ? 2 : 1;
    const bool by_rows = layout != Layout::columns;
    const Index row_stride = by_rows ? columns * step + gap : 1, column_stride = by_rows ? step : rows;
    numbers_.assign(static_cast<std::size_t>(rows * columns * step + rows * gap + 1),
                    std::numeric_limits<T>::quiet_NaN());
    const Tensor values = support::random_tensor({rows, columns}, stream, Dtype::f64);
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < columns; ++j) {
        numbers_[static_cast<std::size_t>(i * row_stride + j * column_stride)] =
            static_cast<T>(values.data<double>()[static_cast<std::size_t>(i * columns + j)]);
      }
    }
    matrix = {numbers_.data(), rows, columns, row_stride, column_stride};
  }

  Dense<double> dense() const {
    Dense<double> d(matrix.rows, matrix.columns);
    for (Index i = 0; i < matrix.rows; ++i) {
      for (Index j = 0; j < matrix.columns; ++j)
        d(i, j) = matrix.data[i * matrix.row_stride + j * matrix.column_stride];
    }
    return d;
  }

  Matrix<T> matrix;

 private:
  std::vector<T> numbers_;
};

struct Sizes {
  Index m, n, k;
};

constexpr Index kTwoBlocks = kDepth + kDepth / 2;  // the first depth that is cut

TEST(KBlocks, cuts_evenly_and_covers_the_whole_depth) {
  for (Index k = 0; k < 20 * kDepth; ++k) {
    const KBlocks blocks(k);
    ASSERT_EQ(blocks.begin(0), 0) << k;
    ASSERT_EQ(blocks.begin(blocks.count()), k);
    for (Index block = 0; block < blocks.count(); ++block) {
      ASSERT_LE(std::abs(blocks.size(block) * blocks.count() - k), blocks.count()) << k;
      ASSERT_LT(blocks.size(block), kTwoBlocks) << k;
    }
  }
  EXPECT_EQ(KBlocks(kTwoBlocks - 1).count(), 1);
  EXPECT_EQ(KBlocks(kTwoBlocks).count(), 2);
  EXPECT_EQ(KBlocks(8 * 197).count(), 4);
  EXPECT_EQ(KBlocks(8 * 197).size(3), 394);
}

template <class T>
std::vector<Sizes> odd_sizes() {
  const Index rows = simd<T>().tiles.rows, columns = simd<T>().tiles.columns();
  return {{1, 1, 1},
          {1, 7, 3},
          {7, 1, 2},
          {3, 5, 0},
          {0, 3, 2},
          {3, 0, 2},
          {rows, columns, kDepth},
          {rows - 1, columns + 1, kTwoBlocks},
          {rows + 1, columns - 1, kTwoBlocks - 1},
          {8 * rows + 1, 2 * columns + 1, 31},
          {67, 131, 2 * kDepth + 3},
          {2, 4099, 3},
          {16 * rows + 1, 16 * rows + columns + 1, kTwoBlocks},
          {4099, 2, 3},
          {3, 4 * columns + 7, 2 * kDepth + 9},
          {3, 20 * columns + 7, 2 * kDepth + 9},
          {4 * rows + 3, rows, 2 * kDepth + 9},
          {rows + 2, 2 * columns, 12 * kDepth + 5}};
}

/// Calls `f.template operator()<T>(set)` for f32 and f64 on every instruction set.
template <class F>
void on_every_set(F f) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    f.template operator()<float>();
    f.template operator()<double>();
  }
}

/// Compares gemm with Eigen in f64 and with gemm_plain, and looks for writes beside c. The bound is the
/// classical one for a sum of k products: (k + 3) epsilon times the product of absolute values.
template <class T>
void expect_right(const Sizes& s, Layout a_layout, Layout b_layout, bool with_bias, bool add) {
  const Source<T> a(s.m, s.k, a_layout, 1), b(s.k, s.n, b_layout, 2);
  const Source<T> bias(1, s.n, Layout::rows, 3), start(s.m, s.n, Layout::rows, 4);
  constexpr T kGuard = 12345;
  const Index stride = s.n + 5;
  std::vector<T> c(static_cast<std::size_t>(s.m * stride), kGuard);
  for (Index i = 0; i < s.m; ++i) std::copy_n(start.matrix.data + i * s.n, s.n, c.data() + i * stride);
  std::vector<T> plain = c;
  const Epilogue<T> epilogue{.bias = with_bias ? bias.matrix.data : nullptr, .add = add};
  gemm(a.matrix, b.matrix, c.data(), stride, epilogue);
  gemm_plain(a.matrix, b.matrix, plain.data(), stride, epilogue);

  Dense<double> expected = a.dense() * b.dense(), size = a.dense().cwiseAbs() * b.dense().cwiseAbs();
  if (with_bias) expected.rowwise() += bias.dense().row(0), size.rowwise() += bias.dense().cwiseAbs().row(0);
  if (add) expected += start.dense(), size += start.dense().cwiseAbs();
  const double unit = static_cast<double>(s.k + 3) * std::numeric_limits<T>::epsilon();
  for (Index i = 0; i < s.m; ++i) {
    for (Index j = 0; j < stride; ++j) {
      const double got = c[static_cast<std::size_t>(i * stride + j)];
      const double simple = plain[static_cast<std::size_t>(i * stride + j)];
      if (j >= s.n) {
        ASSERT_EQ(got, kGuard) << "beside row " << i;
      } else {
        ASSERT_NEAR(got, expected(i, j), unit * size(i, j)) << "Eigen at " << i << ", " << j;
        ASSERT_NEAR(got, simple, 2 * unit * size(i, j)) << "gemm_plain at " << i << ", " << j;
      }
    }
  }
}

TEST(Gemm, agrees_with_eigen_and_the_plain_version_for_odd_sizes) {
  on_every_set([]<class T>() {
    for (const Sizes& s : odd_sizes<T>()) {
      SCOPED_TRACE(say(s.m, "x", s.n, "over", s.k));
      expect_right<T>(s, Layout::rows, Layout::rows, false, false);
    }
  });
}

/// Everything an epilogue can do, alone and together, against the plain version.
template <class T>
void expect_epilogue_right(const Sizes& s, int which) {
  const Source<T> a(s.m, s.k, Layout::rows, 1), b(s.k, s.n, Layout::columns, 2),
      bias(1, s.n, Layout::rows, 3), residual(s.m, s.n + 3, Layout::rows, 4),
      factors(1, s.m, Layout::rows, 5);
  const Index stride = s.n + 3;
  const std::size_t size = static_cast<std::size_t>(s.m * stride);
  std::vector<T> c(size), plain(size), before(size), plain_before(size);
  Epilogue<T> e{.bias = which & 1 ? bias.matrix.data : nullptr,
                .activation = (which & 2) != 0 ? Activation::gelu : Activation::none,
                .factors = which & 4 ? factors.matrix.data : nullptr,
                .residual = which & 8 ? residual.matrix.data : nullptr};
  e.before_activation = e.activation != Activation::none ? before.data() : nullptr;
  gemm(a.matrix, b.matrix, c.data(), stride, e);
  e.before_activation = e.activation != Activation::none ? plain_before.data() : nullptr;
  gemm_plain(a.matrix, b.matrix, plain.data(), stride, e);
  const double tolerance = 40 * static_cast<double>(s.k + 3) * std::numeric_limits<T>::epsilon();
  for (std::size_t i = 0; i < size; ++i) {
    ASSERT_NEAR(c[i], plain[i], tolerance) << s.m << "x" << s.n << " at " << i << ", epilogue " << which;
    ASSERT_NEAR(before[i], plain_before[i], tolerance) << s.m << "x" << s.n << " at " << i;
  }
}

/// Products that are packed in several pieces and over several blocks at a time, against Eigen in f64; too
/// many values for the plain version.
template <class T>
void expect_large_right(const Sizes& s, bool add) {
  const Source<T> a(s.m, s.k, Layout::columns, 1), b(s.k, s.n, Layout::rows, 2);
  std::vector<T> one(static_cast<std::size_t>(s.m * s.n), T{0.5}), more = one;
  {
    const support::UseThreads threads(1);
    gemm(a.matrix, b.matrix, one.data(), s.n, {.add = add});
  }
  const support::UseThreads threads(3);
  gemm(a.matrix, b.matrix, more.data(), s.n, {.add = add});
  ASSERT_EQ(std::memcmp(one.data(), more.data(), one.size() * sizeof(T)), 0);
  const Dense<double> expected = a.dense() * b.dense(), size = a.dense().cwiseAbs() * b.dense().cwiseAbs();
  const double unit = static_cast<double>(s.k + 3) * std::numeric_limits<T>::epsilon();
  for (Index i = 0; i < s.m; ++i) {
    for (Index j = 0; j < s.n; ++j)
      ASSERT_NEAR(one[static_cast<std::size_t>(i * s.n + j)], expected(i, j) + (add ? 0.5 : 0),
                  unit * (size(i, j) + 1))
          << i << ", " << j;
  }
}

TEST(Gemm, is_right_however_it_is_dealt_out_and_packed_in_several_pieces) {
  const support::UseSimd use(support::simd_sets().front());
  expect_large_right<float>({1010, 850, 4 * kDepth + 7}, false);  // rows, of a tall c
  expect_large_right<float>({700, 1010, 4 * kDepth + 7}, true);   // of a wide one
  expect_large_right<float>({130, 2800, 2 * kDepth + 7}, true);   // with one block packed at a time
  expect_large_right<float>({60, 1200, 4 * kDepth + 7}, true);    // columns, because rows are few
  expect_large_right<float>({130, 6000, 2 * kDepth + 7}, false);  // because they are too long
}

TEST(Gemm, finishes_a_product_as_the_plain_version_does) {
  on_every_set([]<class T>() {
    const Index rows = simd<T>().tiles.rows, columns = simd<T>().tiles.columns();
    for (int which = 0; which < 16; ++which) {
      expect_epilogue_right<T>({3 * rows + 1, columns + 5, 21}, which);
      expect_epilogue_right<T>({rows - 1, columns, kTwoBlocks + 3}, which);
      expect_epilogue_right<T>({rows + 1, columns + 5, 4 * kDepth + 3}, which);
      expect_epilogue_right<T>({2, 3, 0}, which);
      expect_epilogue_right<T>({rows, 1, 5}, which);
    }
  });
}

TEST(Gemm, takes_any_strides) {
  on_every_set([]<class T>() {
    const Index rows = simd<T>().tiles.rows, columns = simd<T>().tiles.columns();
    for (const Layout a :
         {Layout::rows, Layout::columns, Layout::rows_with_gaps, Layout::every_other_column}) {
      for (const Layout b :
           {Layout::rows, Layout::columns, Layout::rows_with_gaps, Layout::every_other_column}) {
        expect_right<T>({rows + 1, columns + 1, 37}, a, b, false, false);
        expect_right<T>({2 * rows, columns - 1, kTwoBlocks + 7}, a, b, false, false);
      }
    }
  });
}

TEST(Gemm, adds_a_bias_and_what_was_there) {
  on_every_set([]<class T>() {
    for (const Sizes& s : odd_sizes<T>()) {
      SCOPED_TRACE(say(s.m, "x", s.n, "over", s.k));
      expect_right<T>(s, Layout::rows, Layout::columns, true, false);
      expect_right<T>(s, Layout::columns, Layout::rows, false, true);
      expect_right<T>(s, Layout::rows, Layout::rows, true, true);
    }
  });
}

/// Columns [first, first + count) of a matrix.
template <class T>
Matrix<T> some_columns(Matrix<T> m, Index first, Index count) {
  return {m.data + first * m.column_stride, m.rows, count, m.row_stride, m.column_stride};
}

template <class T>
Matrix<T> some_rows(Matrix<T> m, Index first, Index count) {
  return some_columns(m.transposed(), first, count).transposed();
}

/// Asserts that c[first row..., first column...] of a product of some rows by some columns has the bits of
/// the whole product.
template <class T>
void expect_same_part(const Source<T>& a, const Source<T>& b, const std::vector<T>& whole, Index row,
                      Index rows, Index column, Index columns) {
  std::vector<T> part(static_cast<std::size_t>(rows * columns));
  gemm(some_rows(a.matrix, row, rows), some_columns(b.matrix, column, columns), part.data(), columns);
  for (Index i = 0; i < rows; ++i) {
    const T* expected = whole.data() + (row + i) * b.matrix.columns + column;
    ASSERT_EQ(std::memcmp(part.data() + i * columns, expected, static_cast<std::size_t>(columns) * sizeof(T)),
              0)
        << rows << " rows from " << row << ", " << columns << " columns from " << column;
  }
}

TEST(Gemm, gives_a_number_the_same_bits_wherever_it_stands) {
  on_every_set([]<class T>() {
    const Index m = 2 * simd<T>().tiles.rows + 3, n = 2 * simd<T>().tiles.columns() + 5;
    for (const Index k : {Index{1}, Index{19}, kDepth, kTwoBlocks, 2 * kDepth + 9}) {
      const Source<T> a(m, k, Layout::rows, 1), b(k, n, Layout::columns, 2);
      std::vector<T> whole(static_cast<std::size_t>(m * n));
      gemm(a.matrix, b.matrix, whole.data(), n);
      for (Index i = 0; i < m; ++i) expect_same_part(a, b, whole, i, 1, 0, n);
      for (Index j = 0; j < n; ++j) expect_same_part(a, b, whole, 0, m, j, 1);
      for (Index i = 0; i < m; i += 5) {
        for (Index j = 0; j < n; j += 7) expect_same_part(a, b, whole, i, 1, j, 1);
      }
      expect_same_part(a, b, whole, 1, m - 2, 3, n - 4);
    }
  });
}

TEST(Gemm, reads_a_transpose_to_the_same_bits) {
  on_every_set([]<class T>() {
    const Index m = simd<T>().tiles.rows + 2, n = simd<T>().tiles.columns() + 3, k = kTwoBlocks + 11;
    const Source<T> a(m, k, Layout::rows, 1), a_across(m, k, Layout::columns, 1);
    const Source<T> b(k, n, Layout::rows, 2), b_across(k, n, Layout::columns, 2);
    std::vector<T> c(static_cast<std::size_t>(m * n)), d(c.size());
    gemm(a.matrix, b.matrix, c.data(), n);
    gemm(a_across.matrix, b_across.matrix, d.data(), n);
    EXPECT_EQ(std::memcmp(c.data(), d.data(), c.size() * sizeof(T)), 0);
  });
}

TEST(Gemm, any_number_of_threads_gives_the_same_bits) {
  on_every_set([]<class T>() {
    const Source<T> a(301, kTwoBlocks + 50, Layout::rows, 1), b(kTwoBlocks + 50, 203, Layout::rows, 2);
    std::vector<T> one(301 * 203), more(one.size());
    {
      const support::UseThreads threads(1);
      gemm(a.matrix, b.matrix, one.data(), 203);
    }
    for (const int count : {2, 5}) {
      const support::UseThreads threads(count);
      gemm(a.matrix, b.matrix, more.data(), 203);
      EXPECT_EQ(std::memcmp(one.data(), more.data(), one.size() * sizeof(T)), 0) << count << " threads";
    }
  });
}

/// While it lives, products are cut for these caches.
class UseCaches {
 public:
  explicit UseCaches(const std::string& words) : before_(caches()) { use_caches(adjusted(before_, words)); }
  ~UseCaches() { use_caches(before_); }
  UseCaches(const UseCaches&) = delete;
  UseCaches& operator=(const UseCaches&) = delete;

 private:
  Caches before_;
};

/// Caches that make every choice of the blocking go either way.
constexpr const char* kSomeCaches[] = {"l2=1M/8,l3=32M,near", "l2=2M/16,l3=105M,far", "l2=512K/8,l3=16M,near",
                                       "l1=8K/2,l2=64K/4,l3=1M,far", "l1=8K/2,l2=16K/2,l3=64K,far"};

TEST(Gemm, gives_the_same_bits_whatever_the_caches) {
  on_every_set([]<class T>() {
    for (const Layout layout : {Layout::rows, Layout::columns}) {
      for (const Sizes& s :
           {Sizes{131, 205, kTwoBlocks + 50}, {29, 400, 2 * kDepth + 9}, {60, 97, 4 * kDepth}}) {
        const Source<T> a(s.m, s.k, layout, 1), b(s.k, s.n, Layout::columns, 2),
            bias(1, s.n, Layout::rows, 3);
        const std::size_t size = static_cast<std::size_t>(s.m * s.n);
        std::vector<T> first, again(size), held(size);
        for (const char* words : kSomeCaches) {
          const UseCaches use(words);
          const Epilogue<T> epilogue{.bias = bias.matrix.data};
          gemm(a.matrix, b.matrix, again.data(), s.n, epilogue);
          if (first.empty()) first = again;
          ASSERT_EQ(std::memcmp(first.data(), again.data(), size * sizeof(T)), 0) << words;
          gemm(a.matrix, pack_rhs(b.matrix), held.data(), s.n, epilogue);
          ASSERT_EQ(std::memcmp(first.data(), held.data(), size * sizeof(T)), 0) << words << ", packed";
        }
      }
    }
  });
}

TEST(PackedGemm, has_the_bits_of_gemm_for_any_number_of_rows_and_threads) {
  on_every_set([]<class T>() {
    const Index n = 3 * simd<T>().tiles.columns() + 5, k = kTwoBlocks + 11;
    const Source<T> b(k, n, Layout::columns, 2);
    const Panels<T> packed = pack_rhs(b.matrix);
    for (const Index m : {Index{0}, Index{1}, Index{7}, Index{197}, Index{1030}}) {
      const Source<T> a(m, k, Layout::rows_with_gaps, 1);
      std::vector<T> plain(static_cast<std::size_t>(m * n)), c(plain.size());
      gemm(a.matrix, b.matrix, plain.data(), n);
      for (const int threads : {1, 3}) {
        const support::UseThreads use(threads);
        gemm(a.matrix, packed, c.data(), n);
        EXPECT_TRUE(plain == c) << m << " rows";
      }
    }
  });
}

TEST(PackedGemm, refuses_panels_of_another_instruction_set) {
  if (support::simd_sets().size() < 2) GTEST_SKIP() << "this machine runs one instruction set";
  const Source<float> a(3, 5, Layout::rows, 1), b(5, 4, Layout::rows, 2);
  const Panels<float> packed = pack_rhs(b.matrix);
  std::vector<float> c(12);
  const support::UseSimd use(support::simd_sets().back());
  EXPECT_THROW(gemm(a.matrix, packed, c.data(), 4), Error);
}

TEST(PackedGemm, refuses_a_left_hand_side_that_does_not_fit) {
  const Source<float> a(3, 6, Layout::rows, 1), b(5, 4, Layout::rows, 2);
  std::vector<float> c(12);
  EXPECT_THROW(gemm(a.matrix, pack_rhs(b.matrix), c.data(), 4), Error);
}

TEST(Gemm, carries_nan_and_infinity_to_their_own_numbers_only) {
  on_every_set([]<class T>() {
    const Index m = simd<T>().tiles.rows + 1, n = simd<T>().tiles.columns() + 1, k = 5;
    std::vector<T> a(static_cast<std::size_t>(m * k), 1), b(static_cast<std::size_t>(k * n), 1);
    a[static_cast<std::size_t>((m - 1) * k)] = std::numeric_limits<T>::quiet_NaN();
    b[static_cast<std::size_t>(n - 1)] = std::numeric_limits<T>::infinity();
    std::vector<T> c(static_cast<std::size_t>(m * n));
    gemm<T>({a.data(), m, k, k}, {b.data(), k, n, n}, c.data(), n);
    for (Index i = 0; i < m; ++i) {
      for (Index j = 0; j < n; ++j) {
        const T value = c[static_cast<std::size_t>(i * n + j)];
        if (i == m - 1) {
          EXPECT_TRUE(std::isnan(value)) << j;
        } else {
          EXPECT_EQ(value, j == n - 1 ? std::numeric_limits<T>::infinity() : 5) << i << ", " << j;
        }
      }
    }
  });
}

TEST(SampledGemm, gives_the_bits_of_gemm) {
  on_every_set([]<class T>() {
    Random random(9, Random::Use::test);
    for (const Index k : {Index{1}, Index{7}, kDepth, kTwoBlocks - 1, kTwoBlocks, 2 * kDepth + 77}) {
      const Index m = 41, n = 53;
      const Source<T> a(k, m, Layout::rows_with_gaps, 1), b(k, n, Layout::rows, 2);
      std::vector<T> whole(static_cast<std::size_t>(m * n));
      gemm(a.matrix.transposed(), b.matrix, whole.data(), n);
      for (const Index count :
           {Index{1}, Index{2}, Index{17}, Index{255}, Index{256}, Index{257}, Index{700}}) {
        std::vector<Index> i, j;
        for (Index e = 0; e < count; ++e) i.push_back(random.below(m)), j.push_back(random.below(n));
        std::vector<T> sums(static_cast<std::size_t>(count));
        sampled_gemm(count, i.data(), j.data(), a.matrix, b.matrix, sums.data());
        for (std::size_t e = 0; e < sums.size(); ++e) {
          ASSERT_EQ(std::memcmp(&sums[e], &whole[static_cast<std::size_t>(i[e] * n + j[e])], sizeof(T)), 0)
              << e << " of " << count << " over " << k;
        }
      }
    }
  });
}

TEST(SampledGemm, of_nothing_does_nothing) {
  const std::vector<float> a(6, 1);
  sampled_gemm<float>(0, nullptr, nullptr, {a.data(), 2, 3, 3}, {a.data(), 2, 3, 3}, nullptr);
  const Index i = 1, j = 2;
  float sum = 7;
  sampled_gemm<float>(1, &i, &j, {a.data(), 0, 3, 3}, {a.data(), 0, 3, 3}, &sum);
  EXPECT_EQ(sum, 0);
}

TEST(MultiplyAdds, count_products_and_samples) {
  const Source<float> a(3, 5, Layout::rows, 1), b(5, 7, Layout::rows, 2);
  std::vector<float> c(21);
  const Index before = multiply_adds();
  gemm(a.matrix, b.matrix, c.data(), 7);
  EXPECT_EQ(multiply_adds() - before, 3 * 5 * 7);
  const std::vector<Index> at{0, 1};
  sampled_gemm(2, at.data(), at.data(), b.matrix, b.matrix, c.data());
  EXPECT_EQ(multiply_adds() - before, 3 * 5 * 7 + 2 * 5);
}

TEST(UseSimd, chooses_among_the_sets_of_this_machine) {
  const std::string_view before = simd_name();
  EXPECT_FALSE(use_simd("mmx"));
  EXPECT_EQ(simd_name(), before);
  ASSERT_FALSE(support::simd_sets().empty());
  EXPECT_EQ(support::simd_sets().front(), before) << "the best set is the default";
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    EXPECT_EQ(simd_name(), set);
    EXPECT_EQ(simd<float>().name, set);
    EXPECT_EQ(simd<double>().name, set);
  }
  EXPECT_EQ(simd_name(), before);
}

}  // namespace
}  // namespace engine::kernels
