#include "engine/ops/linear.h"

#include <gtest/gtest.h>

#include "engine/autograd/backward.h"
#include "engine/autograd/parameter.h"
#include "engine/kernels/gemm.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"

namespace engine {
namespace {

constexpr Index kRows = 19, kIn = 23, kOut = 131;

/// Multiply-adds of the gradient of w [kOut, kIn] in y = x w^T.
Index work_of_gradient(const Parameter& w) {
  const Tensor loss = support::weighted_sum(linear(support::random_tensor({kRows, kIn}, 2), w));
  const Index before = kernels::multiply_adds();
  backward(loss);
  return kernels::multiply_adds() - before;
}

/// The same when `part` of w trains.
Index work_of(const Selection& part) {
  const Parameter w(support::random_tensor({kOut, kIn}, 1));
  w.train(part);
  return work_of_gradient(w);
}

/// The same when the gradient of w is accumulated in `form`.
Index work_of(const GradientForm& form) {
  const Parameter w(support::random_tensor({kOut, kIn}, 1));
  w.observe(form);
  return work_of_gradient(w);
}

TEST(LinearWork, of_the_whole_weight_is_the_dense_product) {
  EXPECT_EQ(work_of(Selection::all()), kRows * kIn * kOut);
}

TEST(LinearWork, of_rows_is_their_share) {
  EXPECT_EQ(work_of(Selection::rows({3, 7, 130})), kRows * kIn * 3);
}

TEST(LinearWork, of_columns_is_their_share) {
  EXPECT_EQ(work_of(Selection::columns({0, 22})), kRows * kOut * 2);
}

TEST(LinearWork, of_few_elements_is_one_dot_product_each) {
  EXPECT_EQ(work_of(Selection::elements({5})), kRows);
  EXPECT_EQ(work_of(Selection::elements({5, 400, kOut * kIn - 1})), kRows * 3);
}

TEST(LinearWork, of_many_elements_is_the_dense_product_of_their_columns) {
  std::vector<Index> two_columns;
  for (Index i = 0; i < kOut; i += 2) two_columns.insert(two_columns.end(), {i * kIn + 4, i * kIn + 9});
  EXPECT_EQ(work_of(Selection::elements(two_columns)), kRows * kOut * 2);
}

TEST(LinearWork, of_a_frozen_weight_is_none) {
  const Parameter w(support::random_tensor({kOut, kIn}, 1)), b(Tensor::zeros({kOut}));
  w.freeze();
  const Tensor loss = support::weighted_sum(linear(support::random_tensor({kRows, kIn}, 2), w, b));
  const Index before = kernels::multiply_adds();
  backward(loss);
  EXPECT_EQ(kernels::multiply_adds(), before);
}

/// `count` sums of `size` values.
CountSketch sketch(Index count, Index size, Dtype dtype = Dtype::f32) {
  Random random(3, Random::Use::test);
  Tensor signs = Tensor::full({size}, 1, dtype);
  visit(dtype, [&]<class T>() {
    for (T& sign : signs.data<T>()) sign = static_cast<T>(random.below(2) * 2 - 1);
  });
  std::vector<Index> shifts;
  for (Index first = 0; first < size; first += count) shifts.push_back(random.below(count));
  return {count, signs, shifts};
}

TEST(LinearWork, of_a_sketch_is_its_share_and_that_of_the_sketching) {
  EXPECT_EQ(work_of(GradientForm::row_sketch(sketch(2, kIn))), kRows * kOut * 2);  // x was sketched before
  EXPECT_EQ(work_of(GradientForm::column_sketch(sketch(2, kOut))), kRows * (kOut + kIn * 2));
}

/// Sketches computed on the way are those of the whole gradient, whatever their size, over several batches.
TEST(Linear, sketches_of_the_gradient_are_those_of_the_whole_gradient) {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    for (const Index count : {1, 2, 8, 16, 17, 40}) {
      for (const GradientForm& form : {GradientForm::row_sketch(sketch(count, kIn, dtype)),
                                       GradientForm::column_sketch(sketch(count, kOut, dtype))}) {
        const Tensor value = support::random_tensor({kOut, kIn}, 1, dtype);
        const Parameter whole(value), sketched(value);
        sketched.observe(form);
        for (const std::uint64_t batch : {4, 5}) {
          const Tensor x = support::random_tensor({kRows, kIn}, batch, dtype);
          backward(support::weighted_sum(linear(x, whole)));
          backward(support::weighted_sum(linear(x, sketched)));
        }
        EXPECT_EQ(sketched.grad().shape(), form.shape({kOut, kIn}));
        EXPECT_TRUE(support::near(sketched.grad(), form.of(whole.grad()), dtype == Dtype::f32 ? 1e-5 : 1e-13))
            << count << ' ' << form.kind_name() << ' ' << dtype;
      }
    }
  }
}

/// Bytes that one more call of linear keeps for the backward pass, its output left aside.
std::size_t kept_by(const Selection& part, bool x_trains) {
  const Parameter w(support::random_tensor({kOut, kIn}, 1));
  const Parameter source(support::random_tensor({4096, kIn}, 2));
  w.train(part);
  if (!x_trains) source.freeze();
  const std::size_t before = live_bytes();
  Tensor y;
  {
    const Tensor x = scale(source, 1);
    y = linear(x, w);
  }
  const std::size_t all = live_bytes() - before;
  const std::size_t output = [&] {
    const std::size_t base = live_bytes();
    const Tensor same_size = Tensor::uninitialized(y.shape());
    return live_bytes() - base;
  }();
  return all - output;
}

TEST(LinearMemory, keeps_x_only_for_a_weight_that_trains) {
  EXPECT_GE(kept_by(Selection::all(), true), 4096 * kIn * sizeof(float));
  EXPECT_EQ(kept_by(Selection::none(), true), 0u);
}

TEST(LinearMemory, keeps_only_the_columns_of_x_that_are_read) {
  const std::size_t column = 4096 * sizeof(float);
  EXPECT_EQ(kept_by(Selection::columns({1, 8}), false), 2 * column);
  EXPECT_EQ(kept_by(Selection::elements({4, 4 + kIn}), false), column);
}

TEST(Linear, a_part_that_changes_between_forward_and_backward_throws) {
  const Parameter w(support::random_tensor({3, 2}, 1));
  const Tensor loss = support::weighted_sum(linear(support::random_tensor({5, 2}, 2), w));
  w.train(Selection::columns({1}));
  EXPECT_EQ(support::error_of([&] { backward(loss); }),
            "linear: the part of the weight that trains changed between forward and backward");
}

TEST(Linear, of_no_rows_gives_no_rows_and_a_gradient_of_zero) {
  const Parameter w(support::random_tensor({3, 2}, 1)), b(support::random_tensor({3}, 2));
  const Tensor y = linear(Tensor::zeros({0, 2}), w, b);
  EXPECT_EQ(y.shape(), Shape({0, 3}));
  backward(support::weighted_sum(y));
  EXPECT_TRUE(support::same_bits(w.grad(), Tensor::zeros({3, 2})));
  EXPECT_TRUE(support::same_bits(b.grad(), Tensor::zeros({3})));
}

}  // namespace
}  // namespace engine
