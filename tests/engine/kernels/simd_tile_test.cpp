#include "engine/kernels/simd.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/engine/kernels/shifted.h"
#include "tests/support/kernel_guards.h"

namespace engine::kernels {
namespace {

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

}  // namespace
}  // namespace engine::kernels
