#include "peft/methods/anchor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/peft/small.h"

namespace {

using engine::Dtype;
using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;
using models::Vit;
using peft::Anchor;

/// Gives every parameter that trains a gradient of zeros.
void clear(const std::vector<NamedParameter>& all) {
  for (const NamedParameter& p : all) {
    if (p.parameter.trains().any())
      p.parameter.grad() = Tensor::zeros(p.parameter.trains().packed(p.parameter.value().shape()),
                                         p.parameter.value().dtype());
  }
}

/// Adds random values to everything that trains.
void move(const std::vector<NamedParameter>& all) {
  std::uint64_t stream = 500;
  for (const NamedParameter& p : all) {
    const Tensor part = p.parameter.trains().gather(p.parameter.value());
    p.parameter.trains().scatter(
        engine::add(part, support::random_tensor(part.shape(), ++stream, part.dtype())), p.parameter.value());
  }
}

/// The parameters that the anchor pulls, by the gradients it leaves after a move.
std::vector<std::string> pulled(const Anchor::Options& options, Vit& model) {
  const std::vector<NamedParameter> all = engine::parameters(model);
  const Anchor anchor(options, all);
  move(all), clear(all), anchor.pull();
  std::vector<std::string> names;
  for (const NamedParameter& p : all) {
    if (!p.parameter.grad().defined()) continue;
    if (std::ranges::any_of(p.parameter.grad().data<float>(), [](float g) { return g != 0; }))
      names.push_back(p.name);
  }
  return names;
}

/// A model of which one row, one column, two elements and the head train.
Vit partly_trained() {
  Vit model = small::model(small::deep());
  const std::map<std::string, Selection> parts{{"patch_embed.proj.weight", Selection::rows({2})},
                                               {"blocks.0.attn.qkv.weight", Selection::columns({7})},
                                               {"blocks.1.mlp.fc1.weight", Selection::elements({3, 99})},
                                               {"blocks.2.mlp.fc2.bias", Selection::all()},
                                               {"norm.weight", Selection::all()},
                                               {"head.weight", Selection::all()},
                                               {"head.bias", Selection::all()}};
  for (const NamedParameter& p : engine::parameters(model))
    p.parameter.train(parts.contains(p.name) ? parts.at(p.name) : Selection::none());
  return model;
}

TEST(anchor, adds_the_gradient_of_its_penalty_to_what_is_there) {
  Vit model = partly_trained();
  engine::convert(model, Dtype::f64);
  const std::vector<NamedParameter> all = engine::parameters(model);
  const Anchor anchor({.weight = 0.7, .last_blocks = std::nullopt, .head = Anchor::Head::init}, all);
  move(all);
  const auto penalty = [&] {
    clear(all);
    return anchor.pull();
  };
  for (const NamedParameter& p : all) {
    if (!p.parameter.trains().any()) continue;
    const Tensor gradient =
        p.parameter.trains().gather(support::central_differences(p.parameter.value(), penalty));
    clear(all);
    p.parameter.grad() = Tensor::full(gradient.shape(), 3, Dtype::f64);
    anchor.pull();
    EXPECT_TRUE(support::near(p.parameter.grad(),
                              engine::add(gradient, Tensor::full(gradient.shape(), 3, Dtype::f64)), 1e-7))
        << p.name;
  }
}

TEST(anchor, has_the_penalty_weight_times_sum_of_squares) {
  Vit model = partly_trained();
  const std::vector<NamedParameter> all = engine::parameters(model);
  const Anchor anchor({.weight = 0.25, .last_blocks = std::nullopt}, all);
  const engine::NamedTensors before = small::copy(model);
  move(all), clear(all);
  double squares = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].name.starts_with("head.")) continue;
    const std::vector<double> now = support::doubles(all[i].parameter.value()),
                              then = support::doubles(before[i].second);
    for (std::size_t j = 0; j < now.size(); ++j) squares += (now[j] - then[j]) * (now[j] - then[j]);
  }
  EXPECT_GT(squares, 10);
  EXPECT_NEAR(anchor.pull(), 0.25 * squares, 1e-9 * squares);
}

TEST(anchor, pulls_what_its_options_say) {
  using Names = std::vector<std::string>;
  const auto names = [](std::optional<Index> last_blocks, Anchor::Head head = Anchor::Head::none) {
    Vit model = partly_trained();
    return pulled({.weight = 1, .last_blocks = last_blocks, .head = head}, model);
  };
  EXPECT_EQ(names({}), (Names{"patch_embed.proj.weight", "blocks.0.attn.qkv.weight",
                              "blocks.1.mlp.fc1.weight", "blocks.2.mlp.fc2.bias", "norm.weight"}));
  EXPECT_EQ(names(1), (Names{"blocks.2.mlp.fc2.bias"}));
  EXPECT_EQ(names(2), (Names{"blocks.1.mlp.fc1.weight", "blocks.2.mlp.fc2.bias"}));
  for (const Index blocks : {3, 4, 99}) {
    EXPECT_EQ(names(blocks),
              (Names{"blocks.0.attn.qkv.weight", "blocks.1.mlp.fc1.weight", "blocks.2.mlp.fc2.bias"}))
        << blocks;
  }
  EXPECT_EQ(names(0), Names{});
  EXPECT_EQ(names(1, Anchor::Head::init), (Names{"blocks.2.mlp.fc2.bias", "head.weight", "head.bias"}));
  EXPECT_EQ(names(0, Anchor::Head::zero), (Names{"head.weight", "head.bias"}));
}

TEST(anchor, pulls_the_head_to_its_first_values_or_to_zero) {
  for (const Anchor::Head head : {Anchor::Head::init, Anchor::Head::zero}) {
    Vit model = partly_trained();
    const std::vector<NamedParameter> all = engine::parameters(model);
    const Tensor first = model.heads()[0]->weight.value().clone();
    const Anchor anchor({.weight = 0.5, .last_blocks = 0, .head = head}, all);
    clear(all);
    const bool at_first = head == Anchor::Head::init;
    EXPECT_EQ(anchor.pull() == 0, at_first);
    move(all), clear(all), anchor.pull();
    const Tensor now = model.heads()[0]->weight.value();
    const Tensor away = at_first ? engine::add(now, engine::scale(first, -1)) : now;
    EXPECT_TRUE(support::near(model.heads()[0]->weight.grad(), away, 1e-6));  // 2 weight = 1
  }
}

TEST(anchor, of_weight_0_does_nothing) {
  Vit model = partly_trained();
  EXPECT_TRUE(pulled({.weight = 0, .last_blocks = {}, .head = Anchor::Head::zero}, model).empty());
}

TEST(anchor, does_not_follow_the_numbers_it_holds) {
  Vit model = partly_trained();
  const std::vector<NamedParameter> all = engine::parameters(model);
  const Anchor anchor({.weight = 1, .last_blocks = std::nullopt}, all);
  move(all), clear(all);
  const double once = anchor.pull();
  clear(all);
  EXPECT_EQ(anchor.pull(), once);
}

TEST(anchor, writes_to_no_gradient_that_somebody_else_reads) {
  Vit model = partly_trained();
  const std::vector<NamedParameter> all = engine::parameters(model);
  const Anchor anchor({.weight = 1, .last_blocks = std::nullopt}, all);
  move(all), clear(all);
  const Tensor held = all[2].parameter.grad(), copy = held.clone();
  ASSERT_EQ(all[2].name, "patch_embed.proj.weight");
  anchor.pull();
  EXPECT_TRUE(support::same_bits(held, copy));
  EXPECT_FALSE(support::same_bits(all[2].parameter.grad(), copy));
}

TEST(anchor, says_which_parameter_has_no_gradient) {
  Vit model = partly_trained();
  const std::vector<NamedParameter> all = engine::parameters(model);
  const Anchor anchor({.weight = 1, .last_blocks = std::nullopt}, all);
  EXPECT_EQ(support::error_of([&] { anchor.pull(); }), "anchor: patch_embed.proj.weight has no gradient");
}

/// How far what GRFT trains, but for the head, is from where it started after twenty steps of SGD.
double distance(const std::string& weight) {
  Vit model = small::model(small::deep());
  const engine::NamedTensors before = small::copy(model);
  const auto grft = small::method("grft", {{"anchor", weight}});
  grft->prepare(model, small::losses(model, *grft));
  const auto sgd = engine::make_sgd(engine::parameters(model), {});
  for (int i = 0; i < 20; ++i) small::step(model, *grft, *sgd, i % 3, 0.01);
  double squares = 0;
  const engine::NamedTensors after = engine::state(model);
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (after[i].first.starts_with("head.")) continue;
    const std::vector<double> now = support::doubles(after[i].second),
                              then = support::doubles(before[i].second);
    for (std::size_t j = 0; j < now.size(); ++j) squares += (now[j] - then[j]) * (now[j] - then[j]);
  }
  return std::sqrt(squares);
}

TEST(anchor, keeps_grft_the_nearer_to_the_pretrained_values_the_larger_it_is) {
  const double free = distance("0"), weak = distance("2"), strong = distance("40");
  EXPECT_GT(free, 0.01);
  EXPECT_LT(weak, 0.9 * free);
  EXPECT_LT(strong, 0.1 * free);
  EXPECT_GT(strong, 0);
}

}  // namespace
