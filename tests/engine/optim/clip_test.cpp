#include "engine/optim/clip.h"

#include <gtest/gtest.h>

#include "engine/autograd/backward.h"
#include "engine/ops/ops.h"
#include "tests/support/compare.h"
#include "tests/support/random_tensor.h"

namespace engine {
namespace {

TEST(Clip, does_not_count_what_has_no_gradient) {
  const Parameter a(Tensor::zeros({2})), frozen(Tensor::full({2}, 100));
  frozen.freeze();
  a.grad() = Tensor::of<float>({2}, {3, 4});
  EXPECT_EQ(clip_gradients({{"a", a}, {"frozen", frozen}}, 100), 5);
}

TEST(Clip, counts_the_packed_part_only) {
  const Parameter p(support::random_tensor({5, 3}, 1));
  p.train(Selection::rows({2}));
  backward(sum(multiply(p, Tensor::full({5, 3}, 2))));
  EXPECT_NEAR(clip_gradients({{"p", p}}, 1e9), std::sqrt(12.0), 1e-12);
}

TEST(Clip, scales_two_gradients_in_one_buffer_once_each) {
  const Parameter a(Tensor::zeros({2})), b(Tensor::zeros({2}));
  backward(sum(add(a, b)));  // both gradients are ones, in the same buffer
  EXPECT_EQ(clip_gradients({{"a", a}, {"b", b}}, 1), 2);
  EXPECT_TRUE(support::near(a.grad(), Tensor::full({2}, 0.5), 1e-6));
  EXPECT_TRUE(support::near(b.grad(), Tensor::full({2}, 0.5), 1e-6));
}

TEST(Clip, of_no_gradients_is_zero) {
  EXPECT_EQ(clip_gradients({}, 1), 0);
}

}  // namespace
}  // namespace engine
