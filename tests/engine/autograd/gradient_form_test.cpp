#include "engine/autograd/gradient_form.h"

#include <gtest/gtest.h>

#include <numeric>

#include "engine/autograd/parameter.h"
#include "tests/support/compare.h"

namespace engine {
namespace {

/// 0, 1, 2, ... in this shape.
Tensor counting(Shape shape) {
  Tensor t = Tensor::uninitialized(std::move(shape));
  std::iota(t.data<float>().begin(), t.data<float>().end(), 0.0f);
  return t;
}

Tensor of(Shape shape, const std::vector<float>& values) {
  return Tensor::of(std::move(shape), values);
}

/// Sums 0 and 1 of three values, of which the second has a negative sign and the third is a group of its own.
GradientForm rows() {
  return GradientForm::row_sketch({2, of({3}, {1, -1, 1}), {1, 0}});
}
/// Sums 1 and 0 of two values, of which the second has a negative sign.
GradientForm columns() {
  return GradientForm::column_sketch({2, of({2}, {1, -1}), {1}});
}

struct Nothing : GradientReducer {
  Tensor add(const Tensor&, Tensor) override { return {}; }
  Index size(const Shape& full) const override { return full.rows(); }
};

TEST(GradientForm, is_by_default_the_gradient_of_the_part_that_trains) {
  const GradientForm form;
  EXPECT_TRUE(form.follows_selection());
  EXPECT_EQ(form.kind_name(), "of selection");
  EXPECT_EQ(form.shape({2, 3}), Shape({2, 3}));
  EXPECT_EQ(form.shape({2, 3}, Selection::columns({1})), Shape({2, 1}));
  EXPECT_EQ(form.shape({2, 3}, Selection::none()), Shape({0}));
  EXPECT_TRUE(support::same_bits(form.of(counting({2, 3})), counting({2, 3})));
  EXPECT_TRUE(support::same_bits(form.of(counting({2, 3}), Selection::rows({1})), of({1, 3}, {3, 4, 5})));
}

TEST(GradientForm, of_a_row_sketch_adds_up_every_row_with_signs) {
  EXPECT_EQ(rows().kind_name(), "row sketch");
  EXPECT_FALSE(rows().follows_selection());
  EXPECT_EQ(rows().shape({2, 3}), Shape({2, 2}));
  EXPECT_TRUE(support::same_bits(rows().of(counting({2, 3})), of({2, 2}, {1, 0, 1, 3})));
}

TEST(GradientForm, of_a_column_sketch_adds_up_every_column_with_signs) {
  EXPECT_EQ(columns().kind_name(), "column sketch");
  EXPECT_FALSE(columns().follows_selection());
  EXPECT_EQ(columns().shape({2, 3, 5}), Shape({2, 15}));
  EXPECT_TRUE(support::same_bits(columns().of(counting({2, 3})), of({2, 3}, {-3, -4, -5, 0, 1, 2})));
}

TEST(GradientForm, of_a_reducer_cannot_be_taken_out_of_one_gradient) {
  const GradientForm form = GradientForm::reduced(std::make_shared<Nothing>());
  EXPECT_EQ(form.kind_name(), "reduced");
  EXPECT_FALSE(form.follows_selection());
  EXPECT_EQ(form.shape({2, 3}), Shape({2}));
  EXPECT_EQ(support::error_of([&] {
              form.of(counting({2, 3}));
            }),
            "gradient form: what a reducer keeps cannot be taken out of one gradient");
}

TEST(GradientForm, refuses_a_sketch_of_another_size) {
  EXPECT_EQ(support::error_of([&] {
              columns().of(counting({3, 2}));
            }),
            "gradient form: a column sketch of 2 values does not fit [3, 2]");
  EXPECT_EQ(support::error_of([&] {
              Parameter(counting({3, 2})).observe(rows());
            }),
            "parameter: a row sketch of 3 values does not fit [3, 2]");
}

TEST(CountSketch, refuses_shifts_that_do_not_fit) {
  EXPECT_EQ(support::error_of([&] { CountSketch(2, counting({3}), {0}); }),
            "count sketch: 2 sums and 1 shifts do not fit signs [3]");
  EXPECT_EQ(support::error_of([&] {
              CountSketch(2, counting({3}), {0, 2});
            }),
            "count sketch: shift 2 lies outside 2 sums");
}

TEST(Parameter, trains_nothing_while_its_gradient_is_observed) {
  const Parameter p(counting({2, 3}));
  const std::uint64_t before = p.version();
  p.grad() = counting({2, 3});
  p.observe(columns());
  EXPECT_TRUE(p.accumulates());
  EXPECT_FALSE(p.trains().any());
  EXPECT_EQ(p.trained_count(), 0);
  EXPECT_EQ(p.grad_shape(), Shape({2, 3}));
  EXPECT_FALSE(p.grad().defined());
  EXPECT_GT(p.version(), before);
  p.train(Selection::rows({1}));
  EXPECT_TRUE(p.form().follows_selection());
  EXPECT_EQ(p.grad_shape(), Shape({1, 3}));
}

TEST(Parameter, trains_as_a_whole_when_the_default_form_is_observed) {
  const Parameter p(counting({2, 3}));
  p.freeze();
  EXPECT_FALSE(p.accumulates());
  p.observe({});
  EXPECT_TRUE(p.trains().whole());
}

TEST(Parameter, gives_back_its_form_when_an_exchange_is_undone) {
  const Parameter p(counting({2, 3}));
  p.observe(rows());
  Parameter::Training before = p.exchange({Selection::all(), {}, 0});
  EXPECT_TRUE(p.form().follows_selection());
  p.exchange(std::move(before));
  EXPECT_EQ(p.form().kind_name(), "row sketch");
}

}  // namespace
}  // namespace engine
