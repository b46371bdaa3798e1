#include "engine/autograd/recompute.h"

#include <gtest/gtest.h>

#include "engine/autograd/backward.h"
#include "engine/autograd/parameter.h"
#include "engine/ops/ops.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"

namespace engine {
namespace {

using support::same_bits;

struct Layers {
  Parameter w{support::random_tensor({24, 16}, 1)}, v{support::random_tensor({16, 24}, 2)};
  Tensor operator()(const Tensor& x) const { return add(x, linear(gelu(linear(x, w)), v)); }
};

TEST(Recompute, gives_the_bits_of_the_plain_call) {
  const Layers layers;
  const Parameter x(support::random_tensor({7, 16}, 3));
  layers.w.train(Selection::columns({1, 5}));
  const Tensor plain = layers(layers(x));
  backward(support::weighted_sum(plain));
  const Tensor dx = x.grad(), dw = layers.w.grad(), dv = layers.v.grad();
  for (const Parameter& p : {x, layers.w, layers.v}) p.grad() = {};
  const Tensor y = recompute(layers, recompute(layers, x));
  EXPECT_TRUE(same_bits(y.detached(), plain.detached()));
  backward(support::weighted_sum(y));
  EXPECT_TRUE(same_bits(x.grad(), dx));
  EXPECT_TRUE(same_bits(layers.w.grad(), dw));
  EXPECT_TRUE(same_bits(layers.v.grad(), dv));
}

TEST(Recompute, reaches_parameters_behind_an_input_that_does_not_train) {
  const Layers layers;
  const Tensor x = support::random_tensor({7, 16}, 3);
  backward(support::weighted_sum(layers(x)));
  const Tensor dw = layers.w.grad();
  layers.w.grad() = {};
  backward(support::weighted_sum(recompute(layers, x)));
  EXPECT_TRUE(same_bits(layers.w.grad(), dw));
}

TEST(Recompute, records_nothing_where_nothing_trains) {
  const Layers layers;
  layers.w.freeze();
  layers.v.freeze();
  EXPECT_FALSE(recompute(layers, Tensor::zeros({2, 16})).tracked());
  layers.w.train(Selection::all());
  const NoGrad no_grad;
  EXPECT_FALSE(recompute(layers, Tensor::zeros({2, 16})).tracked());
}

TEST(Recompute, keeps_nothing_but_the_input) {
  const Layers layers;
  const Parameter x(support::random_tensor({512, 16}, 3));
  const std::size_t start = live_bytes();
  const Tensor y = recompute(layers, x);
  EXPECT_EQ(live_bytes() - start, y.bytes());
  EXPECT_TRUE(y.tracked());
}

TEST(Recompute, works_inside_another_recompute) {
  const Layers layers;
  const Parameter x(support::random_tensor({5, 16}, 3));
  const auto twice = [&](const Tensor& in) { return recompute(layers, recompute(layers, in)); };
  backward(support::weighted_sum(layers(layers(x))));
  const Tensor dx = x.grad();
  x.grad() = {};
  backward(support::weighted_sum(recompute(twice, x)));
  EXPECT_TRUE(same_bits(x.grad(), dx));
}

TEST(Backward, from_a_gradient_that_does_not_fit_is_refused) {
  const Parameter x(Tensor::zeros({2, 3}));
  EXPECT_EQ(support::error_of([&] {
              backward(scale(x, 2), Tensor::zeros({3, 2}));
            }),
            "backward: a gradient f32 [3, 2] for f32 [2, 3]");
  EXPECT_EQ(support::error_of([&] { backward(Tensor::zeros({2}), Tensor::zeros({2})); }),
            "backward: there is no graph behind [2]");
}

}  // namespace
}  // namespace engine
