#include "engine/nn/layer.h"

#include <gtest/gtest.h>

#include "engine/autograd/backward.h"
#include "engine/nn/patch_embed.h"
#include "engine/ops/ops.h"
#include "tests/engine/nn/toy_modules.h"
#include "tests/support/compare.h"

namespace engine {
namespace {

std::unique_ptr<Detour> detour(const Tensor& delta) {
  auto adapter = std::make_unique<Detour>(delta.shape()[1], delta.shape()[0]);
  adapter->delta.value() = delta;
  return adapter;
}

TEST(Adapter, sees_the_input_and_the_layer_without_itself) {
  Linear layer(3, 2);
  randomize(layer);
  const Tensor x = support::random_tensor({5, 3}, 7), delta = support::random_tensor({2, 3}, 8);
  const Tensor alone = layer(x).detached();
  EXPECT_EQ(layer.adapter(), nullptr);
  layer.attach(detour(delta));
  EXPECT_NE(layer.adapter(), nullptr);
  EXPECT_TRUE(support::same_bits(layer(x), add(alone, linear(x, delta))));
}

TEST(Adapter, that_is_fresh_changes_nothing) {
  Toy toy;
  randomize(toy);
  const Tensor x = support::random_tensor({5, 3}, 7), before = toy(x).detached();
  toy.blocks[0].attach(std::make_unique<Detour>(3, 4));
  EXPECT_TRUE(support::same_bits(toy(x), before));
}

TEST(Adapter, has_its_parameters_named_below_the_layer) {
  Toy toy;
  toy.blocks[1].attach(std::make_unique<Detour>(4, 3));
  std::vector<std::string> names;
  for (const NamedParameter& p : parameters(toy)) names.push_back(p.name);
  EXPECT_EQ(names, (std::vector<std::string>{"token", "blocks.0.weight", "blocks.0.bias", "blocks.1.weight",
                                             "blocks.1.bias", "blocks.1.detour.delta", "norm.weight",
                                             "norm.bias", "head.weight"}));
}

TEST(Adapter, trains_around_a_frozen_layer) {
  Linear layer(3, 2);
  randomize(layer);
  for (const NamedParameter& p : parameters(layer)) p.parameter.freeze();
  auto adapter = std::make_unique<Detour>(3, 2);
  const Parameter delta = adapter->delta;
  layer.attach(std::move(adapter));
  backward(sum(layer(support::random_tensor({5, 3}, 7))));
  EXPECT_TRUE(delta.grad().defined());
  EXPECT_FALSE(layer.weight.grad().defined());
}

TEST(Adapter, folds_into_its_layer_and_goes) {
  Linear layer(3, 2);
  layer.weight.value() = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  layer.attach(detour(Tensor::of<float>({2, 3}, {1, 0, -1, 2, 0, 1})));
  const Tensor x = Tensor::of<float>({2, 3}, {1, 2, 3, -1, 0, 2});
  const Tensor adapted = layer(x).detached();
  EXPECT_TRUE(layer.adapter()->merge_into(layer));
  layer.attach(nullptr);
  EXPECT_EQ(layer.adapter(), nullptr);
  EXPECT_TRUE(support::same_bits(layer(x), adapted)) << "small whole numbers: exact";
  EXPECT_EQ(parameters(layer).size(), 2u);
}

TEST(Adapter, says_when_it_cannot_fold) {
  Norm norm(3, 1e-6);
  norm.attach(std::make_unique<Detour>(3, 3));
  EXPECT_FALSE(norm.adapter()->merge_into(norm));
}

TEST(Linear, starts_at_zero_with_or_without_bias) {
  Linear with(3, 2), without(3, 2, Linear::Bias::no);
  EXPECT_TRUE(support::same_bits(with.weight.value(), Tensor::zeros({2, 3})));
  EXPECT_TRUE(support::same_bits(with.bias->value(), Tensor::zeros({2})));
  EXPECT_FALSE(without.bias.has_value());
  randomize(without);
  const Tensor x = support::random_tensor({4, 3}, 7);
  EXPECT_TRUE(support::same_bits(without(x), linear(x, without.weight)));
}

TEST(Norm, starts_as_plain_normalisation) {
  Norm norm(3, 1e-6);
  const Tensor x = support::random_tensor({4, 3}, 7);
  EXPECT_TRUE(support::same_bits(norm(x), layer_norm(x, Tensor::full({3}, 1), Tensor::zeros({3}), 1e-6)));
}

TEST(PatchEmbed, is_a_convolution_with_a_stride_of_its_kernel) {
  PatchEmbed embed(PatchProjection(2, 2, 3));
  randomize(embed);
  EXPECT_EQ(parameters(embed)[0].name, "proj.weight");
  EXPECT_EQ(parameters(embed)[1].name, "proj.bias");
  const Tensor x = support::random_tensor({1, 2, 4, 6}, 7);
  const Tensor y = embed(x);
  ASSERT_EQ(y.shape(), Shape({1, 6, 3}));
  Tensor expected = Tensor::zeros(y.shape(), Dtype::f64);
  const float* image = x.data<float>().data();
  const float* kernel = embed.proj.weight.value().data<float>().data();
  const float* bias = embed.proj.bias->value().data<float>().data();
  for (std::size_t patch = 0; patch < 6; ++patch) {
    for (std::size_t out = 0; out < 3; ++out) {
      double sum = bias[out];
      for (std::size_t c = 0; c < 2; ++c)
        for (std::size_t i = 0; i < 2; ++i)
          for (std::size_t j = 0; j < 2; ++j)
            sum += static_cast<double>(image[c * 24 + (patch / 3 * 2 + i) * 6 + patch % 3 * 2 + j]) *
                   kernel[out * 8 + c * 4 + i * 2 + j];
      expected.data<double>()[patch * 3 + out] = sum;
    }
  }
  EXPECT_TRUE(support::near(y, expected, 1e-6));
}

}  // namespace
}  // namespace engine
