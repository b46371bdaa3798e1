#include "engine/optim/optimizer.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/engine/optim/optimizers.h"
#include "tests/support/compare.h"
#include "tests/support/kernel_guards.h"
#include "tests/support/random_tensor.h"

namespace engine {
namespace {

const Shape kShape{131, 257};  // more than two chunks of the optimizers' loop
constexpr int kSteps = 4;

Tensor start() {
  return support::random_tensor(kShape, 1);
}
Tensor gradient(int step) {
  return support::random_tensor(kShape, static_cast<std::uint64_t>(100 + step), Dtype::f32, 0.1);
}

std::vector<Index> every(Index count, Index step) {
  std::vector<Index> at;
  for (Index i = 0; i < count; i += step) at.push_back(i);
  return at;
}

std::vector<Selection> parts() {
  return {Selection::rows(every(131, 3)),        Selection::columns(every(257, 5)),
          Selection::elements(every(33667, 11)), Selection::elements({33666}),
          Selection::rows(every(131, 1)),        Selection::columns({})};
}

/// A parameter that trains in part and took `kSteps` steps.
Parameter trained(const NamedOptimizer& o, const Selection& part, bool zero_elsewhere = false) {
  const Parameter p(start());
  if (!zero_elsewhere) p.train(part);
  const auto optimizer = o.make({{"w", p}});
  for (int step = 0; step < kSteps; ++step) {
    Tensor g = gradient(step);
    if (zero_elsewhere) {
      Tensor masked = Tensor::zeros(kShape);
      part.scatter(part.gather(g), masked);
      g = masked;
    }
    p.grad() = p.trains().gather(g);
    optimizer->step(o.lr);
  }
  return p;
}

class OptimizerRule : public ::testing::TestWithParam<NamedOptimizer> {};
class OptimizerWithoutDecay : public OptimizerRule {};  // decay would move the rest

TEST_P(OptimizerRule, moves_a_part_as_it_would_within_the_whole_and_nothing_else) {
  const Parameter whole = trained(GetParam(), Selection::all());
  for (const Selection& part : parts()) {
    const Parameter p = trained(GetParam(), part);
    Tensor expected = start();
    part.scatter(part.gather(whole.value()), expected);
    EXPECT_TRUE(support::same_bits(p.value(), expected)) << part.kind_name();
  }
}

TEST_P(OptimizerWithoutDecay, moves_a_part_as_a_gradient_that_is_zero_elsewhere_does) {
  for (const Selection& part : parts()) {
    EXPECT_TRUE(
        support::same_bits(trained(GetParam(), part).value(), trained(GetParam(), part, true).value()))
        << part.kind_name();
  }
}

TEST_P(OptimizerRule, gives_the_same_bits_for_any_number_of_threads) {
  const auto run = [](int count) {
    const support::UseThreads threads(count);
    return trained(GetParam(), Selection::all()).value();
  };
  const Tensor one = run(1);
  EXPECT_TRUE(support::same_bits(run(2), one));
  EXPECT_TRUE(support::same_bits(run(5), one));
}

TEST_P(OptimizerRule, goes_on_from_its_state_with_the_same_bits) {
  for (const Selection& part : {Selection::all(), Selection::rows({3, 17})}) {
    const Parameter straight(start()), resumed(start());
    straight.train(part);
    resumed.train(part);
    const auto first = GetParam().make({{"w", straight}});
    NamedTensors saved;
    for (int step = 0; step < 2 * kSteps; ++step) {
      if (step == kSteps) {
        for (const auto& [name, tensor] : first->state()) saved.emplace_back(name, tensor.clone());
        resumed.value() = straight.value().clone();
      }
      straight.grad() = part.gather(gradient(step));
      first->step(GetParam().lr);
    }
    const auto second = GetParam().make({{"w", resumed}});
    second->load_state(saved);
    for (int step = kSteps; step < 2 * kSteps; ++step) {
      resumed.grad() = part.gather(gradient(step));
      second->step(GetParam().lr);
    }
    EXPECT_TRUE(support::same_bits(resumed.value(), straight.value())) << part.kind_name();
  }
}

TEST_P(OptimizerRule, starts_afresh_when_the_part_changes) {
  const Selection before = Selection::rows({1, 2}), after = Selection::rows({2, 3});
  const Parameter p(start());
  p.train(before);
  const auto optimizer = GetParam().make({{"w", p}});
  for (int step = 0; step < kSteps; ++step) {
    p.grad() = before.gather(gradient(step));
    optimizer->step(GetParam().lr);
  }
  const Parameter fresh(p.value().clone());
  for (const Parameter& q : {p, fresh}) q.train(after);
  const auto other = GetParam().make({{"w", fresh}});
  for (int step = 0; step < kSteps; ++step) {
    p.grad() = after.gather(gradient(step));
    fresh.grad() = after.gather(gradient(step));
    optimizer->step(GetParam().lr);
    other->step(GetParam().lr);
  }
  EXPECT_TRUE(support::same_bits(p.value(), fresh.value()));
}

TEST_P(OptimizerRule, keeps_state_of_the_packed_size) {
  const auto bytes = [](const Selection& part) {
    const Parameter p(start());
    p.train(part);
    const auto optimizer = GetParam().make({{"w", p}});
    p.grad() = part.gather(gradient(0));
    optimizer->step(0.1);
    return optimizer->bytes();
  };
  const std::size_t whole = bytes(Selection::all());
  EXPECT_EQ(bytes(Selection::rows({5})) * 131, whole);
  EXPECT_EQ(bytes(Selection::elements({5})) * 33667, whole);
}

TEST_P(OptimizerRule, clears_gradients_and_does_not_change_the_buffers_they_were_in) {
  const Parameter p(start());
  const auto optimizer = GetParam().make({{"w", p}});
  const Tensor g = gradient(0);
  p.grad() = g;
  optimizer->step(0.1);
  EXPECT_FALSE(p.grad().defined());
  EXPECT_TRUE(support::same_bits(g, gradient(0)));
}

std::vector<NamedOptimizer> without_decay() {
  std::vector<NamedOptimizer> some = all_optimizers();
  std::erase_if(some, [](const NamedOptimizer& o) { return o.weight_decay() > 0; });
  return some;
}

std::string name_of(const ::testing::TestParamInfo<NamedOptimizer>& test) {
  return test.param.name;
}

INSTANTIATE_TEST_SUITE_P(All, OptimizerRule, ::testing::ValuesIn(all_optimizers()), name_of);
INSTANTIATE_TEST_SUITE_P(All, OptimizerWithoutDecay, ::testing::ValuesIn(without_decay()), name_of);

TEST(Optimizer, throws_when_nothing_trains) {
  const Parameter p(Tensor::zeros({2}));
  p.freeze();
  EXPECT_EQ(support::error_of([&] { make_sgd({{"w", p}}, {}); }), "optimizer: no parameter trains");
}

TEST(Optimizer, names_a_parameter_without_gradient_and_moves_none) {
  const Parameter a(Tensor::full({2}, 1)), b(Tensor::full({2}, 1));
  const auto optimizer = make_sgd({{"a", a}, {"head.bias", b}}, {});
  a.grad() = Tensor::full({2}, 1);
  EXPECT_EQ(support::error_of([&] { optimizer->step(0.1); }), "optimizer: head.bias has no gradient");
  EXPECT_TRUE(support::same_bits(a.value(), Tensor::full({2}, 1)));
}

TEST(Optimizer, leaves_a_parameter_alone_that_is_frozen_while_training) {
  const Parameter a(Tensor::full({2}, 1)), b(Tensor::full({2}, 1));
  const auto optimizer = make_sgd({{"a", a}, {"b", b}}, {.momentum = 0.9, .weight_decay = 0.1});
  a.grad() = b.grad() = Tensor::full({2}, 1);
  optimizer->step(0.1);
  const Tensor before = b.value().clone();
  b.freeze();
  a.grad() = Tensor::full({2}, 1);
  optimizer->step(0.1);
  EXPECT_TRUE(support::same_bits(b.value(), before));
}

TEST(Optimizer, refuses_options_out_of_range) {
  const std::vector<NamedParameter> all = {{"w", Parameter(Tensor::zeros({1}))}};
  EXPECT_EQ(support::error_of([&] { make_sgd(all, {.momentum = 1}); }),
            "sgd: momentum must be in [0, 1), not 1");
  EXPECT_THROW(make_sgd(all, {.weight_decay = -1}), Error);
  EXPECT_EQ(support::error_of([&] { make_adam(all, {.beta2 = 1.5}); }),
            "adam: betas must be in [0, 1), not 0.9 and 1.5");
  EXPECT_THROW(make_adam(all, {.weight_decay = -1}), Error);
  EXPECT_NO_THROW(make_adam(all, {.beta1 = 0, .beta2 = 0})) << "both are in the range";
  EXPECT_THROW(make_adam(all, {.beta1 = 1}), Error);
}

/// The state of Adam after one step over "w" [2].
NamedTensors adam_state() {
  const Parameter p(Tensor::full({2}, 1));
  const auto optimizer = make_adam({{"w", p}}, {});
  p.grad() = Tensor::full({2}, 1);
  optimizer->step(0.1);
  return optimizer->state();
}

TEST(OptimizerState, is_named_after_parameter_and_kind) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : adam_state()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"w.steps", "w.mean", "w.square"}));
}

TEST(OptimizerState, of_a_reselected_element_is_as_though_its_gradient_had_had_the_moments_all_along) {
  const Parameter p(Tensor::full({1, 4}, 1));
  p.train(Selection::elements({0, 2}));
  const auto optimizer = make_adam({{"w", p}}, {.beta1 = 0.5, .beta2 = 0.75});
  for (int step = 0; step < 2; ++step) {
    p.grad() = Tensor::full({2}, 1);
    optimizer->step(0.1);
  }
  optimizer->reselect(p, Selection::elements({2, 3}), [](Index) { return Optimizer::InitialMoments{2, 8}; });
  const NamedTensors state = optimizer->state();
  const auto mean = state[1].second.data<float>(), square = state[2].second.data<float>();
  EXPECT_EQ(mean[0], 1 - 0.5f * 0.5f) << "kept: two gradients of 1";
  EXPECT_EQ(mean[1], 2 * (1 - 0.5f * 0.5f));
  EXPECT_EQ(square[1], 8 * (1 - 0.75f * 0.75f));
}

TEST(OptimizerState, that_does_not_fit_is_refused_by_name) {
  const auto complaint = [](NamedTensors state, Shape shape) {
    const auto optimizer = make_adam({{"w", Parameter(Tensor::zeros(std::move(shape)))}}, {});
    return support::error_of([&] { optimizer->load_state(state); });
  };
  NamedTensors state = adam_state();
  EXPECT_EQ(complaint(state, {3}), "optimizer: the saved w.mean [2] does not fit [3]");
  NamedTensors short_state(state.begin(), state.end() - 1);
  EXPECT_EQ(complaint(short_state, {2}), "optimizer: the saved state has no w.square");
  for (const Tensor& steps : {Tensor::of<std::int64_t>({1}, {-1}), Tensor::zeros({0}, Dtype::i64),
                              Tensor::of<std::int64_t>({1}, {std::numeric_limits<std::int64_t>::max()})}) {
    state[0].second = steps;
    EXPECT_EQ(complaint(state, {2}), "optimizer: the saved w.steps must be one value, 1 to 1000000000000");
  }
}

}  // namespace
}  // namespace engine
