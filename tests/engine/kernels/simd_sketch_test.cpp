#include "engine/kernels/simd.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/div_up.h"
#include "tests/engine/kernels/shifted.h"
#include "tests/support/kernel_guards.h"

namespace engine::kernels {
namespace {

/// Sketches of `rows` rows that lie `columns + 3` values apart, and the same by a plain loop: to the last
/// bit, since a sign changes no bit of what it multiplies.
template <class T>
void expect_sketched(Index rows, Index columns, Index count, Index offset) {
  const Index stride = columns + 3, groups = div_up(columns, count);
  const std::vector<T> values = random_numbers<T>(rows * stride, 11), coins = random_numbers<T>(columns, 12),
                       unset(static_cast<std::size_t>(rows * count), T{-1});
  std::vector<T> signs;
  for (const T coin : coins) signs.push_back(coin < 0 ? T{-1} : T{1});
  std::vector<Index> firsts, shifts;
  for (Index shift = count - 1; shift >= 0; --shift) {  // group g is shifted by 5 g mod count
    for (Index g = 0; g < groups; ++g)
      if (5 * g % count == shift) firsts.push_back(g * count), shifts.push_back(shift);
  }
  std::vector<T> expected(unset.size());
  for (std::size_t g = 0; g < firsts.size(); ++g) {
    const Index first = firsts[g], shift = shifts[g];
    for (Index j = first; j < std::min(first + count, columns); ++j) {
      for (Index i = 0; i < rows; ++i)
        expected[static_cast<std::size_t>(i * count + (j - first + shift) % count)] +=
            signs[static_cast<std::size_t>(j)] * values[static_cast<std::size_t>(i * stride + j)];
    }
  }
  Shifted<T> x(values.data(), rows * stride, offset), y(unset.data(), rows * count, (offset * 3) % kOffsets);
  simd<T>().sketch_rows(rows, columns, x.data(), stride,
                        {count, groups, firsts.data(), shifts.data(), signs.data()}, y.data());
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_EQ(y.data()[i], expected[i]) << rows << " x " << columns << " in " << count << " at " << i;
  ASSERT_TRUE(y.guards_hold()) << rows << " x " << columns << " in " << count;
}

TEST(SketchRows, adds_every_value_to_the_sum_of_its_group_and_shift) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    SCOPED_TRACE(std::string(set));
    for (const Index rows : {1, 3, 4, 9}) {
      for (const Index columns : {1, 7, 8, 24, 67, 192}) {
        for (const Index count : {1, 3, 8, 16, 20, 300}) {
          expect_sketched<float>(rows, columns, count, rows);
          expect_sketched<double>(rows, columns, count, rows);
        }
      }
    }
  }
}

}  // namespace
}  // namespace engine::kernels
