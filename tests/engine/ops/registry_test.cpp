#include <gtest/gtest.h>

#include <set>

#include "engine/autograd/backward.h"
#include "engine/autograd/parameter.h"
#include "engine/ops/op.h"
#include "tests/engine/ops/cases.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"
#include "tests/support/kernel_guards.h"

namespace engine::cases {

/// The name of a case where a test of it fails.
void PrintTo(const OpCase& c, std::ostream* out) {
  *out << c.op << ' ' << c.name;
}

}  // namespace engine::cases

namespace engine {

using cases::OpCase;

namespace {

/// The inputs of a case. They have the same values in both dtypes, all of which f32 can hold.
std::vector<Parameter> inputs_of(const OpCase& c, Dtype dtype) {
  std::vector<Parameter> inputs;
  for (const Shape& shape : c.shapes) {
    const Tensor values = support::random_tensor(shape, inputs.size(), Dtype::f32, c.spread);
    inputs.emplace_back(values.to(dtype).clone());
  }
  return inputs;
}

std::vector<Tensor> tensors(const std::vector<Parameter>& inputs) {
  return {inputs.begin(), inputs.end()};
}

Tensor output(const OpCase& c, const std::vector<Parameter>& inputs) {
  return c.run(tensors(inputs));
}

/// Runs the case backward, with fresh gradients for the inputs.
void backward_through(const OpCase& c, const std::vector<Parameter>& inputs) {
  for (const Parameter& p : inputs) p.grad() = {};
  backward(support::weighted_sum(output(c, inputs)));
}

/// Selections of every kind that fit `shape`, from none to all of its values.
std::vector<Selection> parts_of(const Shape& shape) {
  const auto every = [](Index count, Index step) {
    std::vector<Index> at;
    for (Index i = step / 2; i < count; i += step) at.push_back(i);
    return at;
  };
  std::vector<Selection> parts;
  const Index rows = shape.rows(), columns = shape.columns(), all = shape.numel();
  for (const Index step : {Index{1}, Index{2}, Index{3}, Index{7}}) {
    parts.push_back(Selection::rows(every(rows, step)));
    parts.push_back(Selection::columns(every(columns, step)));
  }
  for (const Index step : {Index{1}, Index{3}, Index{17}, Index{131}, Index{1009}}) {
    parts.push_back(Selection::elements(every(all, step)));
  }
  parts.push_back(Selection::rows({rows - 1}));
  parts.push_back(Selection::columns({columns - 1}));
  parts.push_back(Selection::elements({all - 1}));
  parts.push_back(Selection::rows({}));
  parts.push_back(Selection::columns({}));
  parts.push_back(Selection::elements({}));
  return parts;
}

/// The cases for which `wanted` holds.
template <class F>
std::vector<OpCase> cases_with(F wanted) {
  std::vector<OpCase> some;
  for (const OpCase& c : cases::all_cases()) {
    if (wanted(c)) some.push_back(c);
  }
  return some;
}

/// The pairs of inputs that have the same shape.
std::vector<std::pair<std::size_t, std::size_t>> twins(const OpCase& c) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < c.shapes.size(); ++i) {
    for (std::size_t j = i + 1; j < c.shapes.size(); ++j) {
      if (c.shapes[i] == c.shapes[j]) pairs.emplace_back(i, j);
    }
  }
  return pairs;
}

class Op : public ::testing::TestWithParam<OpCase> {};
class SmallOp : public Op {};
class OpWithTwins : public Op {};

TEST_P(Op, is_recorded_under_its_name) {
  const Tensor y = output(GetParam(), inputs_of(GetParam(), Dtype::f32));
  ASSERT_TRUE(y.tracked());
  EXPECT_EQ(y.node()->op, GetParam().op);
}

TEST_P(SmallOp, gradient_equals_central_differences) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    const std::vector<Parameter> inputs = inputs_of(GetParam(), Dtype::f64);
    backward_through(GetParam(), inputs);
    const auto loss = [&] {
      const NoGrad off;
      return support::weighted_sum(output(GetParam(), inputs)).item();
    };
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_TRUE(
          support::near(inputs[i].grad(), support::central_differences(inputs[i].value(), loss), 2e-8))
          << "input " << i << " on " << set;
    }
  }
}

TEST_P(Op, each_input_alone_gets_the_same_bits_as_with_the_others) {
  const std::vector<Parameter> together = inputs_of(GetParam(), Dtype::f32);
  backward_through(GetParam(), together);
  for (std::size_t i = 0; i < together.size(); ++i) {
    const std::vector<Parameter> alone = inputs_of(GetParam(), Dtype::f32);
    for (std::size_t other = 0; other < alone.size(); ++other) {
      if (other != i) alone[other].freeze();
    }
    backward_through(GetParam(), alone);
    EXPECT_TRUE(support::same_bits(alone[i].grad(), together[i].grad())) << "input " << i;
    for (std::size_t other = 0; other < alone.size(); ++other) {
      EXPECT_EQ(!alone[other].grad().defined(), other != i) << "input " << other << " of " << alone.size();
    }
  }
}

TEST_P(Op, an_input_that_another_op_made_gets_the_same_bits) {
  const std::vector<Parameter> direct = inputs_of(GetParam(), Dtype::f32);
  backward_through(GetParam(), direct);
  const std::vector<Parameter> behind = inputs_of(GetParam(), Dtype::f32);
  std::vector<Tensor> made;
  for (const Parameter& p : behind) made.push_back(scale(p, 1));
  backward(support::weighted_sum(GetParam().run(made)));
  for (std::size_t i = 0; i < direct.size(); ++i) {
    EXPECT_TRUE(support::same_bits(behind[i].grad(), direct[i].grad())) << "input " << i;
  }
}

TEST_P(Op, gradients_of_two_uses_add_up) {
  const std::vector<Parameter> first = inputs_of(GetParam(), Dtype::f32),
                               second = inputs_of(GetParam(), Dtype::f32),
                               both = inputs_of(GetParam(), Dtype::f32);
  backward(support::weighted_sum(output(GetParam(), first), 1));
  backward(support::weighted_sum(output(GetParam(), second), 2));
  backward(add(support::weighted_sum(output(GetParam(), both), 1),
               support::weighted_sum(output(GetParam(), both), 2)));
  for (std::size_t i = 0; i < both.size(); ++i) {
    EXPECT_TRUE(support::same_bits(both[i].grad(), add(first[i].grad(), second[i].grad()))) << "input " << i;
  }
}

TEST_P(OpWithTwins, one_tensor_as_two_inputs_gets_both_gradients) {
  for (const auto& [i, j] : twins(GetParam())) {
    const std::vector<Parameter> apart = inputs_of(GetParam(), Dtype::f32);
    apart[j].value() = apart[i].value().clone();
    backward_through(GetParam(), apart);
    std::vector<Parameter> shared = inputs_of(GetParam(), Dtype::f32);
    shared[j] = shared[i];
    backward_through(GetParam(), shared);
    EXPECT_TRUE(support::same_bits(shared[i].grad(), add(apart[i].grad(), apart[j].grad())))
        << "inputs " << i << " and " << j;
  }
}

TEST_P(Op, f32_agrees_with_f64) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    const std::vector<Parameter> single = inputs_of(GetParam(), Dtype::f32),
                                 twice = inputs_of(GetParam(), Dtype::f64);
    EXPECT_TRUE(support::near(output(GetParam(), single), output(GetParam(), twice), 2e-6)) << set;
    const auto weigh = [](const Tensor& y) {
      return sum(multiply(y, support::random_tensor(y.shape(), 77, Dtype::f32).to(y.dtype())));
    };
    backward(weigh(output(GetParam(), single)));
    backward(weigh(output(GetParam(), twice)));
    for (std::size_t i = 0; i < single.size(); ++i) {
      EXPECT_TRUE(support::near(single[i].grad(), twice[i].grad(), 1e-5)) << "input " << i << " on " << set;
    }
  }
}

TEST_P(Op, any_number_of_threads_gives_the_same_bits) {
  for (const std::string_view set : support::simd_sets()) {
    const support::UseSimd use(set);
    const std::vector<Parameter> reference = inputs_of(GetParam(), Dtype::f32);
    Tensor y;
    for (const int threads : {1, 2, 5}) {
      const support::UseThreads with(threads);
      const std::vector<Parameter> inputs = threads == 1 ? reference : inputs_of(GetParam(), Dtype::f32);
      const Tensor out = output(GetParam(), inputs).detached();
      backward_through(GetParam(), inputs);
      if (threads == 1) {
        y = out;
        continue;
      }
      EXPECT_TRUE(support::same_bits(out, y)) << threads << " threads on " << set;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        EXPECT_TRUE(support::same_bits(inputs[i].grad(), reference[i].grad()))
            << "input " << i << ", " << threads << " threads on " << set;
      }
    }
  }
}

TEST_P(Op, a_packed_gradient_is_the_dense_one_gathered) {
  for (const std::string_view set : support::simd_sets()) {
    for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
      const support::UseSimd use(set);
      const std::vector<Parameter> dense = inputs_of(GetParam(), dtype);
      backward_through(GetParam(), dense);
      for (std::size_t i = 0; i < dense.size(); ++i) {
        const std::vector<Parameter> inputs = inputs_of(GetParam(), dtype);
        for (const Selection& part : parts_of(GetParam().shapes[i])) {
          inputs[i].train(part);
          backward_through(GetParam(), inputs);
          ASSERT_TRUE(support::same_bits(inputs[i].grad(), part.gather(dense[i].grad())))
              << "input " << i << ", " << part.indices().size() << " " << part.kind_name() << ", " << dtype
              << " on " << set;
        }
      }
    }
  }
}

TEST_P(Op, without_recording_the_output_has_the_same_bits) {
  const std::vector<Parameter> inputs = inputs_of(GetParam(), Dtype::f32);
  const Tensor recorded = output(GetParam(), inputs);
  const NoGrad off;
  const Tensor y = output(GetParam(), inputs);
  EXPECT_FALSE(y.tracked());
  EXPECT_TRUE(support::same_bits(y, recorded));
}

TEST_P(Op, leaves_its_inputs_alone) {
  const std::vector<Parameter> inputs = inputs_of(GetParam(), Dtype::f32),
                               copies = inputs_of(GetParam(), Dtype::f32);
  backward_through(GetParam(), inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_TRUE(support::same_bits(inputs[i].value(), copies[i].value())) << "input " << i;
  }
}

std::string name_of(const ::testing::TestParamInfo<OpCase>& test) {
  return test.param.op + "_" + test.param.name;
}

INSTANTIATE_TEST_SUITE_P(Case, Op, ::testing::ValuesIn(cases::all_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Case, SmallOp,
                         ::testing::ValuesIn(cases_with([](const OpCase& c) { return !c.large; })), name_of);
INSTANTIATE_TEST_SUITE_P(Case, OpWithTwins,
                         ::testing::ValuesIn(cases_with([](const OpCase& c) { return !twins(c).empty(); })),
                         name_of);

TEST(Registry, every_op_has_a_case) {
  std::set<std::string_view> without = {
#define ENGINE_OP(name) op::name,
#include "engine/ops/ops.def"
#undef ENGINE_OP
  };
  ASSERT_FALSE(without.empty());
  const std::vector<OpCase> all = cases::all_cases();
  for (const OpCase& c : all) without.erase(c.op);
  EXPECT_TRUE(without.empty()) << *without.begin() << " stands in ops.def but has no case";
}

TEST(Registry, case_names_are_unique) {
  std::set<std::string> names;
  for (const OpCase& c : cases::all_cases()) EXPECT_TRUE(names.insert(c.op + "_" + c.name).second) << c.name;
}

}  // namespace
}  // namespace engine
