#include "engine/tensor/shape.h"

#include <gtest/gtest.h>

#include "tests/support/compare.h"

namespace engine {
namespace {

TEST(Shape, counts_its_numbers) {
  EXPECT_EQ(Shape().numel(), 1);
  EXPECT_EQ(Shape({3, 5, 7}).numel(), 105);
  EXPECT_EQ(Shape({3, 0, 7}).numel(), 0);
}

TEST(Shape, is_seen_as_a_matrix_of_the_first_axis_by_all_others) {
  EXPECT_EQ(Shape().rows(), 1);
  EXPECT_EQ(Shape().columns(), 1);
  EXPECT_EQ(Shape({4}).rows(), 4);
  EXPECT_EQ(Shape({4}).columns(), 1);
  EXPECT_EQ(Shape({4, 3, 2}).columns(), 6);
}

TEST(Shape, counts_negative_axes_from_the_end) {
  const Shape s{2, 3, 5};
  EXPECT_EQ(s[0], 2);
  EXPECT_EQ(s[-1], 5);
  EXPECT_EQ(s[-3], 2);
  EXPECT_EQ(support::error_of([&] { return s[3]; }), "shape: [2, 3, 5] has no axis 3");
  EXPECT_EQ(support::error_of([&] { return s[-4]; }), "shape: [2, 3, 5] has no axis -4");
}

TEST(Shape, refuses_negative_lengths) {
  EXPECT_EQ(support::error_of([] { return Shape({2, -1}); }), "shape: negative length -1");
}

TEST(Shape, refuses_more_numbers_than_can_be_counted) {
  const Index large = Index{1} << 40;
  EXPECT_EQ(support::error_of([&] {
              return Shape({large, large});
            }),
            "shape: [1099511627776, 1099511627776] holds too many values");
  EXPECT_THROW(Shape({0, large, large}), Error) << "its columns cannot be counted";
}

TEST(Shape, is_equal_when_all_lengths_are) {
  EXPECT_EQ(Shape({2, 3}), Shape({2, 3}));
  EXPECT_FALSE(Shape({2, 3}) == Shape({3, 2}));
  EXPECT_FALSE(Shape({2}) == Shape({2, 1}));
}

TEST(Shape, is_written_in_brackets) {
  EXPECT_EQ(say(Shape({2, 3})), "[2, 3]");
  EXPECT_EQ(say(Shape()), "[]");
}

}  // namespace
}  // namespace engine
