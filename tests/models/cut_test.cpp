#include <gtest/gtest.h>

#include "engine/autograd/backward.h"
#include "engine/autograd/record.h"
#include "engine/nn/roles.h"
#include "engine/ops/loss.h"
#include "models/vit.h"
#include "tests/support/compare.h"
#include "tests/support/random_tensor.h"

namespace {

using engine::Index;
using engine::Tensor;
using models::Vit;
using models::VitConfig;
using support::same_bits;

VitConfig small() {
  VitConfig c;
  c.image_height = c.image_width = 12, c.patch = 4, c.width = 16, c.depth = 3, c.heads = 2, c.hidden = 24,
  c.classes = 4;
  return c;
}

struct Kin {
  const char* name;
  void (*change)(VitConfig&);
};
constexpr Kin kKin[] = {
    {"plain", [](VitConfig&) {}},
    {"of_two_heads", [](VitConfig& c) { c.distillation_token = c.distillation_head = true; }},
    {"averaged_with_registers",
     [](VitConfig& c) { c.registers = 2, c.pooling = models::Pooling::average, c.fc_norm = true; }},
    {"rotary",
     [](VitConfig& c) {
       c.class_token = false, c.pooling = models::Pooling::attention, c.positions = models::Positions::none,
       c.rope.kind = models::RopeConfig::Kind::axial;
     }},
    {"token_and_average", [](VitConfig& c) { c.pooling = models::Pooling::token_and_average; }},
};

class Cut : public ::testing::TestWithParam<Kin> {
 protected:
  Cut() : model((GetParam().change(config), config)) { models::initialize(model, 1); }
  VitConfig config = small();
  Vit model;
  Tensor images = support::random_tensor({5, 3, 12, 12}, 2);
};

TEST_P(Cut, anywhere_gives_the_bits_of_the_whole_pass) {
  const engine::NoGrad no_grad;
  const Tensor whole = model.pooled(images);
  for (Index cut = 0; cut <= config.depth + 1; ++cut) {
    const Tensor x = model.below(images, cut);
    std::vector<Index> shape = model.shape_below(cut).dims();
    shape.insert(shape.begin(), 5);
    EXPECT_EQ(x.shape(), engine::Shape(shape)) << "cut " << cut;
    EXPECT_TRUE(same_bits(model.above(x, cut), whole)) << "cut " << cut;
  }
}

TEST_P(Cut, leaves_the_gradients_of_what_is_above) {
  for (const auto& [name, parameter] : engine::parameters(model)) {
    if (engine::role_of(name).layer(config.depth) < 3) parameter.freeze();
  }
  const auto gradients = [&](const Tensor& pooled) {
    engine::backward(
        engine::cross_entropy(model.scores(pooled), engine::one_hot(std::vector<Index>{0, 1, 2, 3, 0}, 4)));
    std::vector<Tensor> all;
    for (const auto& [name, parameter] : engine::parameters(model))
      if (parameter.grad().defined()) all.push_back(std::exchange(parameter.grad(), {}));
    return all;
  };
  const std::vector<Tensor> whole = gradients(model.pooled(images));
  Tensor x;
  {
    const engine::NoGrad no_grad;
    x = model.below(images, 2);
  }
  const std::vector<Tensor> cut = gradients(model.above(x, 2));
  ASSERT_GT(whole.size(), 10u);
  ASSERT_EQ(whole.size(), cut.size());
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_TRUE(same_bits(whole[i], cut[i])) << i;
}

INSTANTIATE_TEST_SUITE_P(Vit, Cut, ::testing::ValuesIn(kKin),
                         [](const auto& kin) { return std::string(kin.param.name); });

}  // namespace
