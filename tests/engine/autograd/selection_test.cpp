#include "engine/autograd/selection.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/compare.h"
#include "tests/support/random_tensor.h"

namespace engine {
namespace {

/// 0, 1, 2, ... in this shape.
Tensor counting(Shape shape, Dtype dtype = Dtype::f32) {
  Tensor t = Tensor::uninitialized(std::move(shape), dtype);
  visit(dtype, [&]<class T>() { std::iota(t.data<T>().begin(), t.data<T>().end(), T{0}); });
  return t;
}

Tensor of(Shape shape, const std::vector<float>& values) {
  return Tensor::of(std::move(shape), values);
}

TEST(Selection, gathers_rows_columns_and_elements) {
  const Tensor full = counting({3, 4});
  EXPECT_TRUE(
      support::same_bits(Selection::rows({0, 2}).gather(full), of({2, 4}, {0, 1, 2, 3, 8, 9, 10, 11})));
  EXPECT_TRUE(support::same_bits(Selection::columns({1, 3}).gather(full), of({3, 2}, {1, 3, 5, 7, 9, 11})));
  EXPECT_TRUE(support::same_bits(Selection::elements({0, 5, 11}).gather(full), of({3}, {0, 5, 11})));
  EXPECT_TRUE(support::same_bits(Selection::all().gather(full), full));
  EXPECT_EQ(Selection::none().gather(full).numel(), 0);
}

TEST(Selection, sees_a_parameter_as_its_first_axis_by_all_others) {
  const Tensor kernel = counting({2, 3, 2});
  EXPECT_TRUE(support::same_bits(Selection::rows({1}).gather(kernel), of({1, 6}, {6, 7, 8, 9, 10, 11})));
  EXPECT_TRUE(support::same_bits(Selection::columns({4}).gather(kernel), of({2, 1}, {4, 10})));
  const Tensor bias = counting({4});
  EXPECT_TRUE(support::same_bits(Selection::rows({3}).gather(bias), of({1, 1}, {3})));
  EXPECT_TRUE(support::same_bits(Selection::columns({0}).gather(bias), of({4, 1}, {0, 1, 2, 3})));
}

TEST(Selection, gathers_into_a_buffer_of_its_own) {
  const Tensor full = counting({2, 2});
  Tensor part = Selection::all().gather(full);
  part.data<float>()[0] = 100;
  EXPECT_EQ(full.data<float>()[0], 0);
}

std::vector<Selection> some_of_each_kind() {
  return {Selection::all(),           Selection::none(),
          Selection::rows({0, 2, 6}), Selection::rows({}),
          Selection::columns({1, 4}), Selection::columns({}),
          Selection::elements({0}),   Selection::elements({3, 34}),
          Selection::elements({})};
}

TEST(Selection, scatters_what_it_gathered_and_touches_nothing_else) {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    for (const Selection& part : some_of_each_kind()) {
      const Tensor full = support::random_tensor({7, 5}, 1, dtype),
                   other = support::random_tensor({7, 5}, 2, dtype);
      Tensor target = other.clone();
      part.scatter(part.gather(full), target);
      EXPECT_TRUE(support::same_bits(part.gather(target), part.gather(full))) << part.kind_name();
      part.scatter(part.gather(other), target);
      EXPECT_TRUE(support::same_bits(target, other)) << part.kind_name();
    }
  }
}

TEST(Selection, packed_shape_is_that_of_what_is_gathered) {
  const Tensor full = counting({7, 5, 1});
  for (const Selection& part : some_of_each_kind())
    EXPECT_EQ(part.gather(full).shape(), part.packed(full.shape())) << part.kind_name();
  EXPECT_EQ(Selection::all().packed({7, 5, 1}), Shape({7, 5, 1}));
  EXPECT_EQ(Selection::none().packed({7, 5}), Shape({0}));
  EXPECT_EQ(Selection::rows({0, 2}).packed({7, 5, 2}), Shape({2, 10}));
  EXPECT_EQ(Selection::columns({3}).packed({7, 5}), Shape({7, 1}));
  EXPECT_EQ(Selection::elements({3, 4}).packed({7, 5}), Shape({2}));
}

TEST(Selection, names_a_part_of_a_part) {
  EXPECT_EQ(Selection::rows({2, 5, 7}).part_of(Selection::rows({0, 2})), Selection::rows({2, 7}));
  EXPECT_EQ(Selection::columns({1, 4}).part_of(Selection::columns({1})), Selection::columns({4}));
  EXPECT_EQ(support::error_of([] { Selection::rows({2}).part_of(Selection::columns({0})); }),
            "selection: columns cannot be a part of rows");
  EXPECT_EQ(support::error_of([] { Selection::rows({2}).part_of(Selection::rows({1})); }),
            "selection: there is no unit 1 among 1");
}

TEST(Selection, is_equal_when_kind_and_indices_are) {
  EXPECT_EQ(Selection::rows({1}), Selection::rows({1}));
  EXPECT_FALSE(Selection::rows({1}) == Selection::rows({2}));
  EXPECT_FALSE(Selection::rows({1}) == Selection::columns({1}));
  EXPECT_FALSE(Selection::all() == Selection::none());
}

TEST(Selection, says_what_it_is) {
  EXPECT_TRUE(Selection().whole() && Selection().any());
  EXPECT_FALSE(Selection::none().any() || Selection::none().whole());
  EXPECT_TRUE(Selection::elements({}).any());
  EXPECT_EQ(Selection::all().kind_name(), "all");
  EXPECT_EQ(Selection::none().kind_name(), "none");
  EXPECT_EQ(Selection::rows({}).kind_name(), "rows");
  EXPECT_EQ(Selection::columns({}).kind_name(), "columns");
  EXPECT_EQ(Selection::elements({}).kind_name(), "elements");
  EXPECT_EQ(Selection::columns({2, 3}).indices(), (std::vector<Index>{2, 3}));
}

TEST(Selection, refuses_indices_that_do_not_ascend_from_zero) {
  EXPECT_EQ(support::error_of([] { Selection::rows({-1}); }),
            "selection: indices must ascend from 0, but -1 stands at place 0");
  EXPECT_EQ(support::error_of([] {
              Selection::columns({2, 2});
            }),
            "selection: indices must ascend from 0, but 2 stands at place 1");
  EXPECT_THROW(Selection::elements({3, 1}), Error);
}

TEST(Selection, refuses_indices_outside_and_packed_numbers_of_another_shape) {
  Tensor full = counting({3, 4});
  EXPECT_EQ(support::error_of([&] {
              Selection::rows({0, 3}).gather(full);
            }),
            "selection: index 3 of rows lies outside [3, 4]");
  EXPECT_THROW(Selection::columns({4}).gather(full), Error);
  EXPECT_THROW(Selection::elements({12}).scatter(Tensor::zeros({1}), full), Error);
  EXPECT_EQ(support::error_of([&] { Selection::rows({1}).scatter(Tensor::zeros({4}), full); }),
            "selection: packed [4] does not fit [1, 4]");
  EXPECT_TRUE(support::same_bits(full, counting({3, 4})));
}

}  // namespace
}  // namespace engine
