#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/io/safetensors.h"
#include "engine/optim/clip.h"
#include "engine/optim/ema.h"
#include "tests/engine/optim/optimizers.h"
#include "tests/support/compare.h"
#include "tests/support/paths.h"

namespace engine {
namespace {

const Safetensors& file() {
  static const Safetensors opened(support::golden("optimizers.safetensors"));
  return opened;
}

constexpr int kSteps = 10;
constexpr double kTolerance = 3e-7;  // a few roundings of f32, relative to the largest value

TEST(GoldenOptimizers, take_the_ten_steps_of_pytorch) {
  for (const NamedOptimizer& o : all_optimizers()) {
    const auto options = nlohmann::json::parse(file().metadata().at(o.name));
    ASSERT_EQ(options.at("lr"), o.lr) << o.name;
    ASSERT_EQ(options.value("weight_decay", 0.0), o.weight_decay()) << o.name;
    const std::vector<NamedParameter> all = {{"w", Parameter(file().read("w0").clone())}};
    const auto optimizer = o.make(all);
    for (int i = 0; i < kSteps; ++i) {
      all[0].parameter.grad() = file().read("g." + std::to_string(i));
      optimizer->step(o.lr);
      EXPECT_TRUE(
          support::near(all[0].parameter.value(), file().read(o.name + "." + std::to_string(i)), kTolerance))
          << o.name << ", step " << i;
    }
  }
}

TEST(GoldenOptimizers, move_a_number_without_gradient_by_weight_decay_only) {
  for (const NamedOptimizer& o : all_optimizers()) {
    const std::vector<NamedParameter> all = {{"w", Parameter(file().read("w0").clone())}};
    const auto optimizer = o.make(all);
    all[0].parameter.grad() = file().read("g.0");
    optimizer->step(o.lr);
    const float before = file().read("w0").data<float>()[0],
                after = all[0].parameter.value().data<float>()[0];
    EXPECT_EQ(after != before, o.weight_decay() > 0) << o.name;
  }
}

TEST(GoldenEma, follows_the_weights_as_in_pytorch) {
  const std::vector<NamedParameter> all = {{"w", Parameter(file().read("w0").clone())}};
  Ema ema(all, 0.9);
  for (int i = 0; i < kSteps; ++i) {
    all[0].parameter.value() = file().read_as("adam." + std::to_string(i), Dtype::f64).to(Dtype::f32);
    ema.update();
    EXPECT_TRUE(support::near(ema.state()[0].second, file().read("ema." + std::to_string(i)), kTolerance))
        << "step " << i;
  }
}

std::vector<NamedParameter> parameters_with_gradients() {
  const Tensor a = file().read("clip.a"), b = file().read("clip.b");
  std::vector<NamedParameter> all = {{"a", Parameter(Tensor::zeros(a.shape()))},
                                     {"b", Parameter(Tensor::zeros(b.shape()))}};
  all[0].parameter.grad() = a.clone();
  all[1].parameter.grad() = b.clone();
  return all;
}

TEST(GoldenClip, scales_to_the_largest_norm_as_pytorch) {
  const std::vector<NamedParameter> all = parameters_with_gradients();
  EXPECT_NEAR(clip_gradients(all, 1), file().read("clip.norm").item(), 1e-6);
  EXPECT_TRUE(support::near(all[0].parameter.grad(), file().read("clip.a_after"), kTolerance));
  EXPECT_TRUE(support::near(all[1].parameter.grad(), file().read("clip.b_after"), kTolerance));
}

TEST(GoldenClip, leaves_a_norm_below_the_largest_alone) {
  const std::vector<NamedParameter> all = parameters_with_gradients();
  EXPECT_NEAR(clip_gradients(all, 100), file().read("clip_loose.norm").item(), 1e-6);
  EXPECT_TRUE(support::same_bits(all[0].parameter.grad(), file().read("clip.a")));
  EXPECT_TRUE(support::same_bits(all[1].parameter.grad(), file().read("clip.b")));
}

}  // namespace
}  // namespace engine
