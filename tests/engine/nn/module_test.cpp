#include "engine/nn/module.h"

#include <gtest/gtest.h>

#include "engine/autograd/backward.h"
#include "engine/ops/reduce.h"
#include "tests/engine/nn/toy_modules.h"
#include "tests/support/compare.h"

namespace engine {
namespace {

using Names = std::vector<std::string>;

Names names_of(Module& root) {
  Names names;
  for (const NamedParameter& p : parameters(root)) names.push_back(p.name);
  return names;
}

TEST(Parameters, are_named_in_the_order_of_the_parts) {
  Toy toy;
  EXPECT_EQ(names_of(toy), (Names{"token", "blocks.0.weight", "blocks.0.bias", "blocks.1.weight",
                                  "blocks.1.bias", "norm.weight", "norm.bias", "head.weight"}));
}

TEST(Parameters, are_those_of_the_module_itself) {
  Toy toy;
  parameters(toy)[1].parameter.value().data<float>()[0] = 42;
  EXPECT_EQ(toy.blocks[0].weight.value().data<float>()[0], 42);
}

TEST(Parameters, of_one_layer_have_short_names) {
  Linear layer(3, 4);
  EXPECT_EQ(names_of(layer), (Names{"weight", "bias"}));
}

TEST(Walk, names_every_module_below_the_root) {
  Toy toy;
  Names modules;
  walk(
      toy, [](const std::string&, Parameter&) {},
      [&](const std::string& name, Module&) { modules.push_back(name); });
  EXPECT_EQ(modules, (Names{"blocks.0", "blocks.1", "norm", "head"}));
}

TEST(Walk, hands_out_the_modules_themselves) {
  Toy toy;
  int layers = 0;
  walk(
      toy, [](const std::string&, Parameter&) {},
      [&](const std::string& name, Module& module) {
        auto* linear = dynamic_cast<Linear*>(&module);
        if (!linear) return;
        ++layers;
        EXPECT_EQ(linear == &toy.head, name == "head");
      });
  EXPECT_EQ(layers, 3);
}

TEST(Module, keeps_its_parameters_when_it_moves) {
  Toy toy;
  randomize(toy);
  const Tensor before = toy.head.weight.value();
  Toy moved = std::move(toy);
  EXPECT_EQ(moved.head.weight.value().raw(), before.raw());
}

TEST(Convert, turns_every_number_into_f64_and_back_unchanged) {
  Toy toy;
  randomize(toy);
  toy.head.weight.train(Selection::rows({1}));
  const Tensor before = toy.head.weight.value().clone();
  const Tensor x = support::random_tensor({5, 3}, 9);
  const Tensor single = toy(x).detached();
  convert(toy, Dtype::f64);
  for (const NamedParameter& p : parameters(toy))
    EXPECT_EQ(p.parameter.value().dtype(), Dtype::f64) << p.name;
  EXPECT_EQ(toy.head.weight.trains(), Selection::rows({1}));
  EXPECT_TRUE(support::near(single, toy(x.to(Dtype::f64)), 1e-5));
  convert(toy, Dtype::f32);
  EXPECT_TRUE(support::same_bits(toy.head.weight.value(), before));
}

TEST(Convert, clears_gradients) {
  Toy toy;
  randomize(toy);
  backward(sum(toy(support::random_tensor({5, 3}, 9))));
  EXPECT_TRUE(toy.head.weight.grad().defined());
  convert(toy, Dtype::f64);
  for (const NamedParameter& p : parameters(toy)) EXPECT_FALSE(p.parameter.grad().defined()) << p.name;
}

}  // namespace
}  // namespace engine
