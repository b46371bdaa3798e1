// Ops that do the work of several in one pass over memory have the bits of those ops, forward and backward.
#include <gtest/gtest.h>

#include "engine/autograd/backward.h"
#include "engine/autograd/parameter.h"
#include "engine/ops/ops.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"
#include "tests/support/kernel_guards.h"

namespace engine {
namespace {

using support::same_bits;

using Inputs = std::vector<Parameter>;

/// The output of `run` and the gradients of all inputs.
template <class F>
std::vector<Tensor> results(F run, const Inputs& inputs) {
  for (const Parameter& p : inputs) p.grad() = {};
  const Tensor y = run(inputs);
  backward(support::weighted_sum(y));
  std::vector<Tensor> all{y.detached()};
  for (const Parameter& p : inputs) all.push_back(p.grad());
  return all;
}

template <class F, class G>
void expect_same(F fused, G plain, const std::vector<Shape>& shapes) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
      Inputs inputs;
      for (const Shape& shape : shapes)
        inputs.emplace_back(support::random_tensor(shape, inputs.size(), dtype));
      inputs[1].train(Selection::rows({0, 2}));
      const std::vector<Tensor> a = results(fused, inputs), b = results(plain, inputs);
      for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(same_bits(a[i], b[i])) << set << ", value " << i;
    }
  }
}

TEST(Fused, linear_activate_has_the_bits_of_linear_and_activate) {
  for (const Shape& x : {Shape{37, 29}, Shape{2, 5, 29}, Shape{1, 29}}) {
    for (const Activation kind :
         {Activation::gelu, Activation::gelu_tanh, Activation::quick_gelu, Activation::silu}) {
      expect_same([kind](const Inputs& in) { return linear_activate(in[0], in[1], in[2], kind); },
                  [kind](const Inputs& in) { return activate(linear(in[0], in[1], in[2]), kind); },
                  {x, {61, 29}, {61}});
    }
  }
}

TEST(Fused, linear_activate_by_a_recipe_has_the_bits_of_what_is_held) {
  const auto by = [](Save hold) {
    return [hold](const Inputs& in) {
      return linear(linear_activate(in[0], in[1], in[2], Activation::gelu, hold), in[3]);
    };
  };
  expect_same(by(Save::recompute), by(Save::activation), {{4, 9, 29}, {61, 29}, {61}, {7, 61}});
}

TEST(Fused, gradients_are_not_written_over_what_others_hold) {
  const Parameter x(support::random_tensor({5, 7}, 1));
  const Tensor dy = support::random_tensor({5, 7}, 2), before = dy.clone();
  backward(gelu(x), dy);
  EXPECT_TRUE(same_bits(dy, before));
}

TEST(Fused, linear_residual_has_the_bits_of_linear_and_add) {
  expect_same([](const Inputs& in) { return linear_residual(in[3], in[0], in[1], in[2]); },
              [](const Inputs& in) { return add(in[3], linear(in[0], in[1], in[2])); },
              {{4, 9, 29}, {61, 29}, {61}, {4, 9, 61}});
}

TEST(Fused, linear_residual_with_factors_has_the_bits_of_three_ops) {
  const Tensor factors = Tensor::of<double>({4}, {1.25, 0, 1.25, 0.5});
  expect_same(
      [&](const Inputs& in) {
        return linear_residual(in[3], in[0], in[1], in[2], {.samples = factors.to(in[0].value().dtype())});
      },
      [&](const Inputs& in) {
        return add(in[3], scale_samples(linear(in[0], in[1], in[2]), factors.to(in[0].value().dtype())));
      },
      {{4, 9, 29}, {61, 29}, {61}, {4, 9, 61}});
}

TEST(Fused, linear_residual_with_both_scales_has_the_bits_of_four_ops) {
  const Tensor samples = Tensor::of<double>({4}, {1.25, 0, 1.25, 0.5}),
               features = support::random_tensor({61}, 7, Dtype::f64);
  const auto scale = [&](const Inputs& in) {
    const Dtype dtype = in[0].value().dtype();
    return BranchScale{features.to(dtype), samples.to(dtype)};
  };
  expect_same([&](const Inputs& in) { return linear_residual(in[3], in[0], in[1], in[2], scale(in)); },
              [&](const Inputs& in) {
                const BranchScale s = scale(in);
                return add(in[3], scale_samples(affine(linear(in[0], in[1], in[2]), s.features), s.samples));
              },
              {{4, 9, 29}, {61, 29}, {61}, {4, 9, 61}});
}

TEST(Fused, linear_residual_refuses_what_does_not_fit) {
  const Tensor x = Tensor::zeros({4, 3}), w = Tensor::zeros({5, 3});
  EXPECT_EQ(support::error_of([&] {
              linear_residual(Tensor::zeros({4, 4}), x, w);
            }),
            "linear_residual: residual f32 [4, 4] does not fit x [4, 3] and weight [5, 3]");
  EXPECT_EQ(support::error_of([&] {
              linear_residual(Tensor::zeros({4, 5}), x, w, {}, {.samples = Tensor::zeros({3})});
            }),
            "linear_residual: a scale of samples [3] does not fit x [4, 3]");
}

/// Bytes kept after a layer on top of `below(x)`, beside the outputs and what `below` itself keeps.
template <class F>
std::size_t kept_above(F below) {
  const Parameter x(support::random_tensor({512, 64}, 1)), w(support::random_tensor({32, 64}, 2));
  const std::size_t start = live_bytes();
  Tensor between = below(x);
  const std::size_t with_output = live_bytes() - start;
  const Tensor y = linear(between, w);
  between = Tensor();
  return live_bytes() - start - with_output + 512 * 64 * sizeof(float) - y.bytes();
}

TEST(Recomputed, an_activation_or_norm_is_not_kept_for_the_layer_above) {
  const Tensor one = Tensor::full({64}, 1), zero = Tensor::zeros({64});
  EXPECT_EQ(kept_above([](const Parameter& x) { return gelu(x); }), 0u);
  EXPECT_EQ(kept_above([&](const Parameter& x) { return layer_norm(x, one, zero, 1e-6); }), 0u);
  EXPECT_EQ(kept_above([](const Parameter& x) { return scale(x, 2); }), 512 * 64 * sizeof(float));
}

TEST(Recomputed, an_activation_gives_the_same_gradient_as_a_kept_one) {
  const Parameter x(support::random_tensor({13, 7}, 1)), w(support::random_tensor({5, 7}, 2));
  backward(support::weighted_sum(linear(gelu(x), w)));
  const Tensor recomputed = w.grad();
  w.grad() = {};
  const Tensor held = [&] {
    const NoGrad no_grad;
    return gelu(x);
  }();
  backward(support::weighted_sum(linear(held, w)));
  EXPECT_TRUE(same_bits(recomputed, w.grad()));
}

}  // namespace
}  // namespace engine
