#include "models/vit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/autograd/backward.h"
#include "engine/nn/state.h"
#include "engine/ops/loss.h"
#include "engine/tensor/storage.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"
#include "tests/support/one_thread.h"

namespace {

using engine::Index;
using engine::Tensor;
using models::DropPath;
using models::Dropped;
using models::Recompute;
using models::Vit;
using models::VitConfig;
using support::error_of;
using support::same_bits;

VitConfig small(Index classes = 4) {
  VitConfig c;
  c.image_height = c.image_width = 12, c.patch = 4, c.channels = 3, c.width = 16, c.depth = 3, c.heads = 2,
  c.hidden = 24, c.classes = classes;
  return c;
}

Vit made(Index classes = 4, std::uint64_t seed = 1) {
  Vit model(small(classes));
  models::initialize(model, seed);
  return model;
}

/// How much each of `n` images is scaled by.
std::vector<double> factors(const DropPath& drop, Index n, Index block, Index blocks, int which) {
  return support::doubles(drop.factors(n, engine::Dtype::f32, block, blocks, which));
}

TEST(drop_path, does_nothing_at_rate_0_and_in_the_first_block) {
  EXPECT_FALSE((DropPath{.rate = 0, .seed = 3, .step = 7}.factors(5, engine::Dtype::f32, 2, 3, 0).defined()));
  EXPECT_FALSE(
      (DropPath{.rate = 0.5, .seed = 3, .step = 7}.factors(5, engine::Dtype::f32, 0, 3, 0).defined()));
}

TEST(drop_path, drops_images_and_scales_the_others_up) {
  int dropped = 0;
  for (const double factor : factors({.rate = 0.4, .seed = 3, .step = 7}, 64, 2, 3, 1)) {
    dropped += factor == 0;
    EXPECT_NEAR(factor, factor == 0 ? 0 : 1 / 0.6, 1e-6);
  }
  EXPECT_GT(dropped, 10);
  EXPECT_LT(dropped, 45);
}

TEST(drop_path, keeps_the_mean_at_the_rate_of_every_block) {
  constexpr Index kImages = 20000;
  for (const Index block : {1, 2, 3}) {
    const double rate = 0.6 * static_cast<double>(block) / 3;
    const auto scaled = factors({.rate = 0.6, .seed = 1, .step = 2}, kImages, block, 4, 0);
    double mean = 0, kept = 0;
    for (double f : scaled) mean += f / kImages, kept += (f != 0) / static_cast<double>(kImages);
    const double deviation = std::sqrt(rate * (1 - rate) / kImages);
    EXPECT_NEAR(kept, 1 - rate, 5 * deviation) << block;
    EXPECT_NEAR(mean, 1, 5 * deviation / (1 - rate)) << block;
  }
}

TEST(drop_path, depends_on_the_seed_the_step_the_block_and_the_branch_alone) {
  // Which images are dropped; neighbouring blocks of so many have almost the same rate.
  const auto drawn = [](std::uint64_t seed, std::uint64_t step, Index block, int which) {
    std::vector<bool> dropped;
    for (double f : factors({.rate = 0.5, .seed = seed, .step = step}, 128, block, 1000, which))
      dropped.push_back(f == 0);
    return dropped;
  };
  const auto base = drawn(1, 2, 999, 0);
  EXPECT_EQ(drawn(1, 2, 999, 0), base);
  EXPECT_NE(drawn(2, 2, 999, 0), base);
  EXPECT_NE(drawn(1, 3, 999, 0), base);
  EXPECT_NE(drawn(1, 2, 998, 0), base);
  EXPECT_NE(drawn(1, 2, 999, 1), base);
  EXPECT_NE(drawn(1, 2, 998, 1), base);
}

TEST(drop_path, changes_the_models_output_the_same_way_every_time) {
  Vit model = made();
  const Tensor images = support::random_tensor({8, 3, 12, 12}, 1);
  const Dropped drop{.paths = {.rate = 0.9, .seed = 1, .step = 4}};
  const Tensor dropped = model(images, drop);
  EXPECT_TRUE(same_bits(model(images, drop), dropped));
  EXPECT_FALSE(same_bits(model(images), dropped));
  EXPECT_TRUE(same_bits(model(images, {.paths = {.rate = 0, .seed = 9, .step = 9}}), model(images)));
}

TEST(initialize, gives_the_same_bits_for_the_same_seed_only) {
  Vit a = made(4, 5), b = made(4, 5), c = made(4, 6);
  const auto of_a = engine::state(a), of_b = engine::state(b), of_c = engine::state(c);
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    EXPECT_TRUE(same_bits(of_a[i].second, of_b[i].second)) << of_a[i].first;
    const bool random = of_a[i].second.shape().rank() > 1;
    EXPECT_EQ(bool(same_bits(of_a[i].second, of_c[i].second)), !random) << of_a[i].first;
  }
}

TEST(initialize, does_not_depend_on_the_size_of_the_head) {
  Vit a = made(4), b = made(9);
  const auto of_a = engine::state(a), of_b = engine::state(b);
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    if (!of_a[i].first.starts_with("head.")) {
      EXPECT_TRUE(same_bits(of_a[i].second, of_b[i].second)) << of_a[i].first;
    }
  }
}

TEST(initialize, gives_a_replaced_head_the_bits_it_has_in_a_new_model) {
  Vit model = made(4, 3), fresh = made(7, 3);
  model.replace_head(7);
  models::initialize_head(model, 3);
  EXPECT_TRUE(same_bits(model.heads()[0]->weight.value(), fresh.heads()[0]->weight.value()));
}

TEST(initialize, does_not_let_the_head_depend_on_the_depth) {
  VitConfig deeper = small();
  deeper.depth = 7;
  Vit a = made(), b(deeper);
  models::initialize(b, 1);
  EXPECT_TRUE(same_bits(a.heads()[0]->weight.value(), b.heads()[0]->weight.value()));
}

TEST(initialize, has_timms_deviations) {
  VitConfig c = small();
  c.width = 192, c.heads = 3, c.hidden = 768, c.image_height = c.image_width = 56;
  Vit model(c);
  models::initialize(model, 1);
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const std::vector<double> values = support::doubles(parameter.value());
    double squares = 0, largest = 0;
    for (double v : values) squares += v * v, largest = std::max(largest, std::abs(v));
    const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
    if (name == "cls_token") {
      EXPECT_NEAR(deviation, 1e-6, 2e-7);
    } else if (name.find("norm") != std::string::npos && name.ends_with(".weight")) {
      EXPECT_EQ(deviation, 1) << name;
    } else if (parameter.value().shape().rank() == 1) {
      EXPECT_EQ(largest, 0) << name;
    } else {
      EXPECT_NEAR(deviation, 0.02, 0.002) << name;
      EXPECT_LE(largest, 2) << name;
    }
  }
}

TEST(initialize, gives_every_random_parameter_values_of_its_own) {
  Vit model = made();
  // The class token's first value and the others', all as draws of deviation 1.
  std::vector<std::pair<std::string, double>> first;
  for (const auto& [name, parameter] : engine::parameters(model)) {
    if (parameter.value().shape().rank() < 2) continue;
    const double deviation = name == "cls_token" ? 1e-6 : 0.02;
    for (const auto& [other, draw] : first)
      EXPECT_GT(std::abs(parameter.value().data<float>()[0] / deviation - draw), 1e-5)
          << name << ", " << other;
    first.emplace_back(name, parameter.value().data<float>()[0] / deviation);
  }
  EXPECT_GT(first.size(), 10u);
}

/// The loss of a batch, with its graph.
Tensor loss_of(Vit& model, const Dropped& drop = {}) {
  const Tensor logits = model(support::random_tensor({6, 3, 12, 12}, 1), drop);
  return engine::cross_entropy(logits, engine::one_hot(std::vector<Index>{0, 1, 2, 3, 0, 1}, 4));
}

/// The gradients of all parameters.
std::vector<Tensor> gradients(Vit& model, const Dropped& drop = {}) {
  for (const auto& p : engine::parameters(model)) p.parameter.grad() = {};
  engine::backward(loss_of(model, drop));
  std::vector<Tensor> all;
  for (const auto& p : engine::parameters(model)) all.push_back(p.parameter.grad());
  return all;
}

class Recomputing : public ::testing::TestWithParam<Recompute> {};

TEST_P(Recomputing, gives_the_same_bits) {
  Vit model = made();
  for (const auto& [name, parameter] : engine::parameters(model)) {
    if (name.ends_with("qkv.weight")) parameter.train(engine::Selection::columns({1, 4}));
    if (name.ends_with("fc2.weight")) parameter.train(engine::Selection::rows({0, 3}));
    if (name.ends_with("norm1.bias")) parameter.freeze();
  }
  const Dropped drop{.paths = {.rate = 0.5, .seed = 1, .step = 2}};
  const Tensor plain = loss_of(model, drop).detached();
  const std::vector<Tensor> expected = gradients(model, drop);
  model.recompute(GetParam());
  EXPECT_TRUE(same_bits(loss_of(model, drop).detached(), plain));
  const std::vector<Tensor> actual = gradients(model, drop);
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (!expected[i].defined())
      EXPECT_FALSE(actual[i].defined()) << i;
    else
      EXPECT_TRUE(same_bits(actual[i], expected[i])) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(vit, Recomputing, ::testing::Values(Recompute::mlp, Recompute::blocks),
                         [](const auto& what) { return what.param == Recompute::mlp ? "mlp" : "blocks"; });

TEST(vit, keeps_less_of_what_is_recomputed) {
  Vit model = made();
  const auto kept = [&] {
    const std::size_t before = engine::live_bytes();
    const Tensor loss = loss_of(model);
    return engine::live_bytes() - before;
  };
  const std::size_t all = kept();
  model.recompute(Recompute::mlp);
  EXPECT_LT(kept(), all * 7 / 8);  // a hidden layer has 1.5 of the 7.5 widths held for a token
  model.recompute(Recompute::blocks);
  EXPECT_LT(kept(), all / 3);
}

TEST(vit, asks_the_system_for_memory_in_the_first_steps_only) {
  for (const Recompute what : {Recompute::none, Recompute::mlp, Recompute::blocks}) {
    Vit model = made();
    model.recompute(what);
    for (int i = 0; i < 2; ++i) gradients(model);
    const std::size_t before = engine::system_allocations();
    for (int i = 0; i < 3; ++i) gradients(model);
    EXPECT_EQ(engine::system_allocations(), before);
  }
}

TEST(vit, starts_with_zeros_but_for_the_norms_weights) {
  Vit model(small());
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const bool norm = name.find("norm") != std::string::npos && name.ends_with(".weight");
    EXPECT_TRUE(same_bits(parameter.value(), Tensor::full(parameter.value().shape(), norm ? 1 : 0))) << name;
  }
}

TEST(vit, treats_every_image_of_a_batch_alone) {
  Vit model = made();
  const Tensor images = support::random_tensor({5, 3, 12, 12}, 1), all = model(images);
  for (Index i = 0; i < 5; ++i)
    EXPECT_TRUE(same_bits(model(images.slice(i, i + 1).clone()), all.slice(i, i + 1).clone())) << i;
}

TEST(vit, is_its_head_on_its_features) {
  Vit model = made();
  const Tensor images = support::random_tensor({2, 3, 12, 12}, 1);
  EXPECT_EQ(model.features(images).shape(), (engine::Shape{2, 16}));
  EXPECT_TRUE(same_bits(model.scores(model.pooled(images)), model(images)));
}

TEST(vit, refuses_images_of_another_size_with_both_sizes) {
  Vit model = made();
  EXPECT_EQ(error_of([&] {
              model(Tensor::zeros({2, 3, 12, 8}));
            }),
            "vit: images [2, 3, 12, 8] should be [2, 3, 12, 12]");
  EXPECT_EQ(error_of([&] {
              model(Tensor::zeros({2, 1, 12, 12}));
            }),
            "vit: images [2, 1, 12, 12] should be [2, 3, 12, 12]");
}

TEST(vit, takes_a_head_of_zeros_for_other_classes) {
  Vit model = made();
  const Tensor images = support::random_tensor({2, 3, 12, 12}, 1), before = model.features(images);
  model.replace_head(11);
  EXPECT_EQ(model.config().classes, 11);
  EXPECT_TRUE(same_bits(model.features(images), before));
  EXPECT_TRUE(same_bits(model(images), Tensor::zeros({2, 11})));
}

TEST(vit, without_a_class_has_features_and_no_scores) {
  Vit model = made();
  model.replace_head(0);
  EXPECT_TRUE(model.heads().empty());
  const Tensor images = Tensor::zeros({1, 3, 12, 12});
  EXPECT_EQ(model.features(images).shape(), (engine::Shape{1, 16}));
  EXPECT_NE(error_of([&] { model(images); }).find("no head"), std::string::npos);
}

TEST(vit, keeps_its_head_when_the_new_one_would_make_no_sense) {
  Vit model = made();
  EXPECT_THROW(model.replace_head(-1), engine::Error);
  EXPECT_EQ(model.config().classes, 4);
  EXPECT_EQ(model(Tensor::zeros({1, 3, 12, 12})).shape(), (engine::Shape{1, 4}));
}

TEST(vit, works_without_a_bias_for_queries_keys_and_values) {
  VitConfig c = small();
  c.qkv = models::QkvForm::joint_without_bias;
  Vit model(c);
  for (const auto& [name, parameter] : engine::parameters(model))
    EXPECT_FALSE(name.ends_with("qkv.bias")) << name;
  models::initialize(model, 1);
  EXPECT_EQ(model(Tensor::zeros({2, 3, 12, 12})).shape(), (engine::Shape{2, 4}));
}

TEST(check_config, names_the_size_that_makes_no_network) {
  const auto error_with = [](auto change) {
    VitConfig c = small();
    change(c);
    return error_of([&] { models::check_config(c); });
  };
  EXPECT_EQ(error_with([](VitConfig& c) { c.patch = 13; }),
            "vit: an image of 12 x 12 has no patch of 13 x 13");
  EXPECT_NE(error_with([](VitConfig& c) {
              c.image_height = c.image_width = 257 * c.patch;
            }).find("makes 257 x 257 patches; at most 256 x 256 are taken"),
            std::string::npos);
  EXPECT_EQ(error_with([](VitConfig& c) { c.heads = 3; }), "vit: width 16 is not a multiple of 3 heads");
  for (Index VitConfig::*size :
       {&VitConfig::image_height, &VitConfig::image_width, &VitConfig::patch, &VitConfig::channels,
        &VitConfig::width, &VitConfig::depth, &VitConfig::heads, &VitConfig::hidden, &VitConfig::classes}) {
    for (const Index wrong : {0, -1}) {
      if (size == &VitConfig::classes && wrong == 0) continue;  // no head
      EXPECT_NE(error_with([&](VitConfig& c) { c.*size = wrong; }), "nothing was thrown");
    }
  }
}

}  // namespace
