#include "engine/tensor/permuted.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/compare.h"

namespace engine {
namespace {

template <class T>
Tensor counting(const Shape& shape) {
  std::vector<T> values(static_cast<std::size_t>(shape.numel()));
  std::iota(values.begin(), values.end(), T(0));
  return Tensor::of<T>(shape, values);
}

template <class T>
void check_every_value() {
  const Tensor t = counting<T>({2, 3, 4});
  const Tensor p = permuted(t, std::vector{2, 0, 1});
  ASSERT_EQ(p.shape(), Shape({4, 2, 3}));
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 3; ++j)
      for (Index k = 0; k < 4; ++k)
        EXPECT_EQ(std::as_const(p).data<T>()[static_cast<std::size_t>((k * 2 + i) * 3 + j)],
                  std::as_const(t).data<T>()[static_cast<std::size_t>((i * 3 + j) * 4 + k)]);
}

TEST(permuted, moves_every_value_of_every_size) {
  check_every_value<float>();
  check_every_value<double>();
  check_every_value<std::uint8_t>();
}

TEST(permuted, is_undone_by_the_order_that_leads_back) {
  const Tensor t = counting<float>({5, 1, 3, 2});
  const Tensor back = permuted(permuted(t, std::vector{3, 2, 0, 1}), std::vector{2, 3, 1, 0});
  EXPECT_TRUE(support::same_bits(back, t));
}

TEST(permuted, takes_single_values_and_none) {
  EXPECT_TRUE(support::same_bits(permuted(Tensor::full({}, 3), std::vector<int>{}), Tensor::full({}, 3)));
  EXPECT_EQ(permuted(Tensor::zeros({0, 4}), std::vector{1, 0}).shape(), Shape({4, 0}));
}

TEST(permuted, refuses_axes_that_are_not_named_once_each) {
  for (const std::vector<int>& axes :
       {std::vector{0}, std::vector{0, 0}, std::vector{0, 2}, std::vector{-1, 0}})
    EXPECT_THROW(permuted(Tensor::zeros({2, 3}), axes), Error);
}

}  // namespace
}  // namespace engine
