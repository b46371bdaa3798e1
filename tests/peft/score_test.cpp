#include "peft/selection/score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "peft/selection/select.h"
#include "peft/target.h"
#include "tests/peft/small.h"

namespace {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;
using models::Vit;

class Score : public ::testing::Test {
 protected:
  /// Losses of these batches, one after the other.
  peft::NextLoss losses(std::vector<int> batches) {
    return [this, batches, i = std::size_t{0}]() mutable -> Tensor {
      return i == batches.size() ? Tensor() : small::loss(model, batches[i++]);
    };
  }
  /// The accumulated gradients of all targets, by name.
  engine::NamedTensors accumulated(const std::vector<int>& batches) {
    peft::accumulate_gradients(model, targets, losses(batches));
    engine::NamedTensors gradients;
    for (const NamedParameter& p : targets) gradients.emplace_back(p.name, p.parameter.grad().clone());
    return gradients;
  }
  std::string error(const std::vector<NamedParameter>& of, const peft::NextLoss& next) {
    return support::error_of([&] { peft::accumulate_gradients(model, of, next); });
  }

  Vit model = small::model(small::deep());
  const std::vector<NamedParameter> targets = peft::find_targets(model, {});
};

TEST_F(Score, is_the_signed_sum_of_the_batches_gradients) {
  const engine::NamedTensors first = accumulated({0}), second = accumulated({1}), third = accumulated({2}),
                             all = accumulated({0, 1, 2});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Tensor sum = engine::add(engine::add(first[i].second, second[i].second), third[i].second);
    EXPECT_TRUE(support::same_bits(all[i].second, sum)) << all[i].first;
  }
}

TEST_F(Score, cancels_opposite_gradients_and_is_no_sum_of_squares) {
  const auto opposite = [this, i = 0]() mutable -> Tensor {
    if (i == 2) return {};
    return engine::scale(small::loss(model, 0), i++ ? -1 : 1);
  };
  peft::accumulate_gradients(model, targets, opposite);
  for (const auto& [name, parameter] : targets)
    EXPECT_TRUE(std::ranges::all_of(parameter.grad().data<float>(), [](float g) { return g == 0; })) << name;
}

TEST_F(Score, is_the_gradient_of_full_training) {
  const engine::NamedTensors scored = accumulated({0});
  Vit full = small::model(small::deep());
  for (const auto& p : engine::parameters(full)) p.parameter.train(Selection::all());
  engine::backward(small::loss(full, 0));
  const std::vector<NamedParameter> dense = peft::find_targets(full, {});
  for (std::size_t i = 0; i < dense.size(); ++i)
    EXPECT_TRUE(support::same_bits(scored[i].second, dense[i].parameter.grad())) << dense[i].name;
}

TEST_F(Score, gives_gradients_to_the_targets_alone_and_changes_no_number) {
  const engine::NamedTensors before = small::copy(model);
  accumulated({0, 1});
  EXPECT_TRUE(small::same_bits(engine::state(model), before));
  for (const NamedParameter& any : engine::parameters(model)) {
    const bool target =
        std::ranges::any_of(targets, [&](const NamedParameter& p) { return p.name == any.name; });
    EXPECT_EQ(!any.parameter.grad().defined(), !target) << any.name;
  }
}

TEST_F(Score, names_the_tensor_whose_gradient_is_not_finite) {
  const auto broken = [this](double bad) -> peft::NextLoss {
    return [this, bad, done = false]() mutable -> Tensor {
      if (std::exchange(done, true)) return {};
      return engine::scale(small::loss(model, 0), bad);
    };
  };
  for (const double bad : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    const std::string message = error(targets, broken(bad));
    EXPECT_TRUE(
        message.starts_with("scoring: the gradient of patch_embed.proj.weight is not finite at index"))
        << message;
  }
  // Finite in every batch, but too large in sum.
  const auto huge = [this, i = 0]() mutable -> Tensor {
    if (i++ == 2) return {};
    const auto& weight = targets.back().parameter;  // d(sum(3e38 w)) = 3e38, twice
    return engine::sum(engine::scale(weight, 3e38));
  };
  EXPECT_EQ(error({targets.back()}, huge),
            "scoring: the gradient of blocks.2.mlp.fc2.weight is not finite at index 0");
}

TEST_F(Score, needs_a_batch) {
  EXPECT_EQ(error(targets, losses({})), "scoring: there is no batch to score with");
}

TEST_F(Score, names_a_target_that_the_loss_does_not_depend_on) {
  const auto of_one = [this, done = false]() mutable -> Tensor {
    if (std::exchange(done, true)) return {};
    return engine::sum(engine::scale(targets[2].parameter, 1));
  };
  EXPECT_EQ(error({targets[2], targets[5]}, of_one),
            "scoring: the loss does not depend on " + targets[5].name);
}

TEST_F(Score, reaches_the_methods_choices_when_they_are_asked_to_keep_it) {
  const auto keeping = small::method("grft"), forgetting = small::method("grft");
  keeping->keep_gradients();
  keeping->prepare(model, losses({0, 1}));
  const std::vector<peft::Choice> kept = keeping->choices();
  forgetting->prepare(model, losses({0, 1}));
  const engine::NamedTensors expected = accumulated({0, 1});
  ASSERT_EQ(kept.size(), expected.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(kept[i].parameter, expected[i].first);
    EXPECT_TRUE(support::same_bits(kept[i].gradient, expected[i].second)) << kept[i].parameter;
    EXPECT_FALSE(forgetting->choices()[i].gradient.defined());
    EXPECT_EQ(forgetting->choices()[i].scores, kept[i].scores);
    EXPECT_EQ(kept[i].squares, peft::squares_of(expected[i].second));
    EXPECT_GT(kept[i].captured, 0);
    EXPECT_LT(kept[i].captured, 1);
  }
}

TEST_F(Score, does_not_depend_on_how_cross_entropy_is_batched_but_for_rounding) {
  // A sum over samples: the mean over four and four images, added, is twice the mean over eight.
  const models::VitConfig& c = model.config();
  const engine::NamedTensors parts = accumulated({0, 1});
  const Tensor first = small::images(c, 0), second = small::images(c, 1);
  Tensor both = small::twice(first);
  std::copy_n(second.raw(), second.bytes(), both.raw() + first.bytes());
  std::vector<Index> labels = small::labels(c, 0);
  for (Index label : small::labels(c, 1)) labels.push_back(label);
  const auto joined = [&, done = false]() mutable -> Tensor {
    if (std::exchange(done, true)) return {};
    return engine::scale(engine::cross_entropy(model(both), engine::one_hot(labels, c.classes)), 2);
  };
  peft::accumulate_gradients(model, targets, joined);
  for (std::size_t i = 0; i < targets.size(); ++i)
    EXPECT_TRUE(support::near(targets[i].parameter.grad(), parts[i].second, 1e-5)) << targets[i].name;
}

}  // namespace
