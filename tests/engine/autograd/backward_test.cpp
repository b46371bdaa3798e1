#include "engine/autograd/backward.h"

#include <gtest/gtest.h>

#include "engine/autograd/parameter.h"
#include "engine/ops/ops.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"

namespace engine {
namespace {

Tensor of(const std::vector<float>& values) {
  return Tensor::of({static_cast<Index>(values.size())}, values);
}

TEST(Backward, throws_when_nothing_trains) {
  const Parameter frozen(of({1, 2}));
  frozen.freeze();
  EXPECT_EQ(support::error_of([&] { backward(sum(frozen)); }),
            "backward: the loss depends on no parameter that trains");
}

TEST(Backward, throws_for_more_than_one_number) {
  const Parameter p(of({1, 2}));
  EXPECT_EQ(support::error_of([&] { backward(scale(p, 2)); }),
            "backward: the loss must be one value, not [2]");
}

TEST(Backward, throws_for_a_parameter_itself) {
  const Parameter p(of({1}));
  EXPECT_EQ(support::error_of([&] { backward(p); }), "backward: the loss is a parameter itself");
}

/// An op whose rule gives `grads`.
Tensor broken(const Parameter& a, const Parameter& b, const Grads& grads) {
  return record("broken", {a, b}, of({1}), [grads](const Tensor&, const Needs&) { return grads; });
}

/// Keeps the largest value of all that arrived.
struct Largest : GradientReducer {
  Tensor add(const Tensor& kept, Tensor gradient) override {
    float largest = kept.defined() ? kept.data<float>()[0] : 0;
    for (float& g : gradient.data<float>()) largest = std::max(largest, std::exchange(g, -1.0f));
    return of({largest});
  }
  Index size(const Shape&) const override { return 1; }
};

TEST(Backward, hands_whole_gradients_to_a_reducer_that_may_write_to_them) {
  const Parameter p(of({1, 2, 3})), other(of({1, 2, 3}));
  p.observe(GradientForm::reduced(std::make_shared<Largest>()));
  for (const std::vector<float>& factors : {std::vector<float>{1, 5, 2}, {4, 3, 2}})
    backward(sum(multiply(add(p, other), of(factors))));  // one gradient for both parameters
  EXPECT_TRUE(support::same_bits(p.grad(), of({5})));
  EXPECT_EQ(p.grad_shape(), Shape({1}));
  EXPECT_TRUE(support::same_bits(other.grad(), of({5, 8, 4})));
}

TEST(Backward, names_the_op_whose_rule_leaves_out_a_gradient) {
  const Parameter a(of({1})), b(of({2}));
  EXPECT_EQ(support::error_of([&] {
              backward(broken(a, b, {of({1}), Grad()}));
            }),
            "backward: broken gave no gradient for input 1");
  EXPECT_EQ(support::error_of([&] { backward(broken(a, b, {of({1})})); }),
            "backward: broken gave 1 gradients for 2 inputs");
}

TEST(Backward, names_the_op_whose_rule_gives_a_wrong_shape) {
  const Parameter a(of({1, 2, 3})), b(of({2}));
  EXPECT_EQ(support::error_of([&] {
              backward(broken(a, b, {of({1}), of({1})}));
            }),
            "backward: broken gave a gradient [1] for [3]");
  a.train(Selection::elements({1, 2}));
  EXPECT_EQ(support::error_of([&] {
              backward(broken(a, b, {Grad::packed(of({1})), of({1})}));
            }),
            "backward: broken gave a gradient [1] for [2]");
}

TEST(Backward, needs_no_gradient_for_what_does_not_train) {
  const Parameter a(of({1})), b(of({2}));
  b.freeze();
  backward(broken(a, b, {of({7}), Grad()}));
  EXPECT_TRUE(support::same_bits(a.grad(), of({7})));
  EXPECT_FALSE(b.grad().defined());
}

TEST(Backward, tells_a_rule_what_is_needed) {
  const Parameter a(of({1, 2, 3})), b(of({2})), c(of({3}));
  a.train(Selection::elements({1}));
  b.freeze();
  bool called = false;
  backward(record("probe", {a, b, scale(c, 2), Tensor()}, of({1}),
                  [&](const Tensor& dy, const Needs& needs) -> Grads {
                    called = true;
                    EXPECT_TRUE(support::same_bits(dy, of({1})));
                    EXPECT_TRUE(needs(0) && needs(2));
                    EXPECT_FALSE(needs(1) || needs(3));
                    EXPECT_EQ(needs.part(0), Selection::elements({1}));
                    EXPECT_TRUE(needs.part(2).whole());
                    EXPECT_TRUE(needs.form(0).follows_selection());
                    return {Grad::packed(of({5})), Grad(), of({4}), Grad()};
                  }));
  EXPECT_TRUE(called);
  EXPECT_TRUE(support::same_bits(a.grad(), of({5})));
  EXPECT_TRUE(support::same_bits(c.grad(), of({8})));
}

TEST(Backward, gathers_a_dense_gradient_for_a_part_that_trains) {
  const Parameter p(of({1, 2, 3}));
  p.train(Selection::elements({0, 2}));
  backward(sum(multiply(p, of({10, 20, 30}))));
  EXPECT_TRUE(support::same_bits(p.grad(), of({10, 30})));
}

TEST(Backward, adds_to_the_gradient_that_is_there) {
  const Parameter p(of({1, 2}));
  backward(sum(multiply(p, of({10, 20}))));
  backward(sum(multiply(p, of({3, 4}))));
  EXPECT_TRUE(support::same_bits(p.grad(), of({13, 24})));
}

TEST(Backward, adds_up_over_all_uses_of_a_parameter) {
  const Parameter p(of({1, 2}));
  const Parameter copy = p;
  backward(sum(add(multiply(p, copy), add(p, scale(p, 3)))));
  EXPECT_TRUE(support::same_bits(p.grad(), of({2 + 4, 4 + 4})));
  EXPECT_TRUE(support::same_bits(copy.grad(), p.grad()));
}

TEST(Backward, adds_up_over_paths_that_part_and_meet) {
  const Parameter p(of({3}));
  const Tensor a = scale(p, 2);
  const Tensor b = multiply(a, a);
  backward(sum(add(b, multiply(a, b))));  // 4 p^2 + 8 p^3
  EXPECT_EQ(p.grad().item(), 8 * 3 + 24 * 9);
}

TEST(Backward, goes_through_a_graph_once) {
  const Parameter p(of({3}));
  const Tensor inner = scale(p, 2), loss = sum(inner);
  backward(loss);
  EXPECT_EQ(support::error_of([&] { backward(loss); }),
            "backward: sum was already freed: backward() goes through a graph once");
  EXPECT_EQ(support::error_of([&] { backward(sum(inner)); }),
            "backward: scale was already freed: backward() goes through a graph once");
}

TEST(Backward, frees_what_the_rules_kept_while_the_loss_lives) {
  const Parameter p(support::random_tensor({64, 64}, 1));
  const std::size_t before = live_bytes();
  const Tensor loss = sum(gelu(gelu(gelu(p))));
  const std::size_t recorded = live_bytes();
  EXPECT_GT(recorded, before + 2 * 64 * 64 * sizeof(float));
  backward(loss);
  p.grad() = {};
  EXPECT_LT(live_bytes(), before + 1024);
}

TEST(Graph, keeps_nothing_for_what_does_not_train) {
  const Parameter p(support::random_tensor({64, 64}, 1));
  p.freeze();
  const std::size_t before = live_bytes();
  const Tensor y = gelu(gelu(gelu(p)));
  EXPECT_FALSE(y.tracked());
  EXPECT_LT(live_bytes(), before + 64 * 64 * sizeof(float) + 1024);
}

constexpr Index kLong = 200'000;

TEST(LongGraph, goes_backward_without_deep_recursion) {
  const Parameter p(of({1}));
  Tensor y = p;
  for (Index i = 0; i < kLong; ++i) y = scale(y, -1);
  backward(y);
  EXPECT_EQ(p.grad().item(), 1);
}

TEST(LongGraph, is_destroyed_without_deep_recursion) {
  const Parameter p(of({1}));
  Tensor y = p;
  for (Index i = 0; i < kLong; ++i) y = scale(y, -1);
  EXPECT_EQ(y.item(), 1);
  y = Tensor();
}

TEST(LongGraph, of_weights_that_are_made_is_destroyed_without_deep_recursion) {
  // linear's rule holds its weight's way back, besides the input itself.
  const Parameter p(Tensor::full({1, 1}, 1));
  Tensor w = p;
  const Tensor x = Tensor::full({1, 1}, 1);
  for (Index i = 0; i < kLong; ++i) w = linear(x, w);
  EXPECT_EQ(w.item(), 1);
  w = Tensor();
}

TEST(LongGraph, whose_backward_fails_half_way_is_destroyed_without_deep_recursion) {
  const Parameter p(of({1}));
  Tensor y = p;
  for (Index i = 0; i < kLong; ++i) y = scale(y, -1);
  y = record("broken", {y}, of({1}), [](const Tensor&, const Needs&) -> Grads { return {}; });
  for (Index i = 0; i < kLong; ++i) y = scale(y, -1);
  EXPECT_EQ(support::error_of([&] { backward(y); }), "backward: broken gave 0 gradients for 1 inputs");
  y = Tensor();
  EXPECT_FALSE(p.grad().defined());
}

TEST(NoGrad, records_nothing_while_it_lives) {
  const Parameter p(of({1, 2}));
  EXPECT_TRUE(grad_enabled());
  {
    const NoGrad outer;
    EXPECT_FALSE(grad_enabled());
    EXPECT_FALSE(sum(p).tracked());
    EXPECT_FALSE(Tensor(p).tracked());
    {
      const NoGrad inner;
      EXPECT_FALSE(grad_enabled());
    }
    EXPECT_FALSE(grad_enabled());
  }
  EXPECT_TRUE(grad_enabled());
  EXPECT_TRUE(sum(p).tracked());
}

TEST(NoGrad, leaves_inputs_recorded_before_out_of_the_graph) {
  const Parameter p(of({1, 2}));
  const Tensor recorded = scale(p, 2);
  const NoGrad off;
  EXPECT_FALSE(sum(recorded).tracked());
  EXPECT_FALSE(keep(recorded, true).defined());
}

TEST(Keep, gives_the_tensor_without_its_way_back_or_nothing) {
  const Parameter p(of({1, 2}));
  const Tensor y = scale(p, 2);
  EXPECT_TRUE(support::same_bits(keep(y, true), y));
  EXPECT_FALSE(keep(y, true).tracked());
  EXPECT_FALSE(keep(y, false).defined());
}

TEST(TrainedPart, is_a_parameters_selection_all_of_what_was_made_and_nothing_else) {
  const Parameter p(of({1, 2}));
  p.train(Selection::elements({1}));
  EXPECT_EQ(trained_part(p), Selection::elements({1}));
  EXPECT_EQ(trained_part(scale(p, 2)), Selection::all());
  EXPECT_EQ(trained_part(of({1})), Selection::none());
  EXPECT_EQ(trained_part(Tensor()), Selection::none());
}

TEST(Parameter, clears_its_gradient_and_counts_a_version_when_its_part_changes) {
  const Parameter p(Tensor::zeros({3, 4}));
  EXPECT_TRUE(p.trains().whole());
  EXPECT_EQ(p.trained_count(), 12);
  backward(sum(p));
  const std::uint64_t version = p.version();
  p.train(Selection::rows({0, 2}));
  EXPECT_FALSE(p.grad().defined());
  EXPECT_GT(p.version(), version);
  EXPECT_EQ(p.trained_count(), 8);
  p.freeze();
  EXPECT_EQ(p.trained_count(), 0);
}

TEST(Parameter, refuses_a_part_that_lies_outside_and_keeps_the_one_it_had) {
  const Parameter p(Tensor::zeros({3, 4}));
  p.train(Selection::rows({1}));
  const std::uint64_t version = p.version();
  EXPECT_EQ(support::error_of([&] { p.train(Selection::columns({4})); }),
            "parameter: index 4 of columns lies outside [3, 4]");
  EXPECT_EQ(p.trains(), Selection::rows({1}));
  EXPECT_EQ(p.version(), version);
}

TEST(WritableGrad, can_be_changed_without_changing_another_gradient) {
  const Parameter a(of({1, 2})), b(of({3, 4}));
  backward(sum(add(a, b)));  // the rule of add gives both the same buffer
  for (float& g : a.writable_grad().data<float>()) g *= 5;
  EXPECT_TRUE(support::same_bits(a.grad(), of({5, 5})));
  EXPECT_TRUE(support::same_bits(b.grad(), of({1, 1})));
}

TEST(WritableGrad, of_no_gradient_is_empty) {
  EXPECT_FALSE(Parameter(of({1})).writable_grad().defined());
}

TEST(Accumulation, never_writes_to_a_buffer_that_another_gradient_reads) {
  const Parameter a(of({1, 2})), b(of({3, 4}));
  backward(sum(add(a, b)));
  backward(sum(scale(a, 10)));
  EXPECT_TRUE(support::same_bits(a.grad(), of({11, 11})));
  EXPECT_TRUE(support::same_bits(b.grad(), of({1, 1})));
}

TEST(Accumulation, never_writes_to_a_gradient_that_was_taken_out) {
  const Parameter a(of({1, 2}));
  backward(sum(a));
  const Tensor taken = a.grad();
  backward(sum(a));
  EXPECT_TRUE(support::same_bits(taken, of({1, 1})));
  EXPECT_TRUE(support::same_bits(a.grad(), of({2, 2})));
}

}  // namespace
}  // namespace engine
