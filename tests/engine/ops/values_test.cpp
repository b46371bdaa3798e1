#include <gtest/gtest.h>

#include <cmath>

#include "engine/autograd/backward.h"
#include "engine/autograd/parameter.h"
#include "engine/io/safetensors.h"
#include "engine/kernels/attention.h"
#include "engine/ops/ops.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"
#include "tests/support/paths.h"

namespace engine {
namespace {

using ::testing::TestWithParam;

Tensor of(Shape shape, const std::vector<double>& values) {
  return Tensor::of(std::move(shape), values);
}

TEST(Add, adds_number_by_number) {
  EXPECT_TRUE(support::same_bits(add(of({2}, {1, 2}), of({2}, {10, -20})), of({2}, {11, -18})));
}

TEST(Multiply, multiplies_number_by_number) {
  EXPECT_TRUE(support::same_bits(multiply(of({2}, {3, 2}), of({2}, {10, -20})), of({2}, {30, -40})));
}

TEST(Scale, multiplies_every_number) {
  EXPECT_TRUE(support::same_bits(scale(of({3}, {1, -2, 0.5}), -4), of({3}, {-4, 8, -2})));
}

TEST(ScaleSamples, multiplies_each_sample_by_its_factor) {
  EXPECT_TRUE(support::same_bits(scale_samples(of({2, 2}, {1, 2, 3, 4}), of({2}, {10, 0})),
                                 of({2, 2}, {10, 20, 0, 0})));
}

TEST(Gelu, is_x_times_the_normal_distribution_function) {
  const Tensor x = support::random_tensor({101}, 1, Dtype::f64, 3);
  const Tensor y = gelu(x);
  for (std::size_t i = 0; i < 101; ++i) {
    const double v = x.data<double>()[i];
    EXPECT_NEAR(y.data<double>()[i], v * 0.5 * (1 + std::erf(v / std::sqrt(2.0))),
                1e-15 + 1e-13 * std::abs(v));
  }
}

TEST(Linear, is_x_times_the_transposed_weight_plus_bias) {
  const Tensor x = of({2, 3}, {1, 2, 3, 4, 5, 6}), w = of({2, 3}, {1, 0, -1, 2, 1, 0}), b = of({2}, {10, 20});
  EXPECT_TRUE(support::same_bits(linear(x, w, b), of({2, 2}, {8, 24, 8, 33})));
  EXPECT_TRUE(support::same_bits(linear(x, w), of({2, 2}, {-2, 4, -2, 13})));
}

TEST(LayerNorm, has_mean_b_and_spread_w) {
  const Tensor y =
      layer_norm(of({2, 3}, {1, 2, 3, -5, -5, 10}), of({3}, {1, 2, 3}), of({3}, {0, 0, 10}), 0.5);
  // variances 2/3 and 50
  const double r = 1 / std::sqrt(2.0 / 3 + 0.5), s = 1 / std::sqrt(50.5);
  EXPECT_TRUE(support::near(y, of({2, 3}, {-r, 0, 3 * r + 10, -5 * s, -10 * s, 30 * s + 10}), 1e-14));
}

TEST(NormalizeRows, gives_rows_of_length_one) {
  EXPECT_TRUE(support::near(normalize_rows(of({2, 2}, {3, 4, 0, -2})), of({2, 2}, {0.6, 0.8, 0, -1}), 1e-15));
}

TEST(NormalizeRows, a_row_of_zeros_stays_zero) {
  EXPECT_TRUE(support::same_bits(normalize_rows(of({1, 2}, {0, 0})), of({1, 2}, {0, 0})));
}

TEST(Attention, agrees_with_the_plain_version) {
  const Index batch = 2, tokens = 7, heads = 3, width = 5;
  const Tensor qkv = support::random_tensor({batch, tokens, 3 * heads * width}, 1, Dtype::f64);
  Tensor plain = Tensor::uninitialized({batch, tokens, heads * width}, Dtype::f64);
  const kernels::AttentionShape shape{batch, tokens, heads, width};
  kernels::attention_plain<double>(shape, kernels::thirds_of(shape, qkv.data<double>().data()), {},
                                   plain.data<double>().data());
  EXPECT_TRUE(support::near(attention(qkv, heads), plain, 1e-13));
}

TEST(Attention, of_one_token_is_its_value) {
  const Tensor y = attention(of({1, 1, 6}, {1, 2, 3, 4, 5, 6}), 1);
  EXPECT_TRUE(support::same_bits(y, of({1, 1, 2}, {5, 6})));
}

TEST(Reshape, keeps_the_numbers_in_order) {
  EXPECT_TRUE(
      support::same_bits(reshape(of({2, 3}, {1, 2, 3, 4, 5, 6}), {3, 2}), of({3, 2}, {1, 2, 3, 4, 5, 6})));
}

TEST(Patches, go_row_by_row_with_channels_outermost) {
  // One image of two channels, 2 by 4: 0 1 2 3 / 4 5 6 7, and the same plus 10.
  const Tensor images = of({1, 2, 2, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17});
  EXPECT_TRUE(support::same_bits(patches(images, 2), of({1, 2, 8}, {0, 1, 4, 5, 10, 11, 14, 15,  //
                                                                    2, 3, 6, 7, 12, 13, 16, 17})));
}

TEST(InsertTokens, puts_the_same_tokens_into_every_sequence_and_remove_takes_them_out) {
  const Tensor x = of({2, 2, 1}, {1, 2, 3, 4}), tokens = of({1, 2, 1}, {8, 9});
  EXPECT_TRUE(support::same_bits(insert_tokens(x, tokens, 0), of({2, 4, 1}, {8, 9, 1, 2, 8, 9, 3, 4})));
  EXPECT_TRUE(support::same_bits(insert_tokens(x, tokens, 2), of({2, 4, 1}, {1, 2, 8, 9, 3, 4, 8, 9})));
  const Tensor y = insert_tokens(x, tokens, 1);
  EXPECT_TRUE(support::same_bits(y, of({2, 4, 1}, {1, 8, 9, 2, 3, 8, 9, 4})));
  EXPECT_TRUE(support::same_bits(remove_tokens(y, 1, 2), x));
}

TEST(Affine, scales_and_shifts_every_feature) {
  const Tensor x = of({2, 1, 2}, {1, 2, 3, 4}), factor = of({2}, {10, -1});
  EXPECT_TRUE(support::same_bits(affine(x, factor), of({2, 1, 2}, {10, -2, 30, -4})));
  EXPECT_TRUE(support::same_bits(affine(x, factor, of({2}, {1, 2})), of({2, 1, 2}, {11, 0, 31, -2})));
}

TEST(AddPositions, adds_the_same_to_every_sequence) {
  const Tensor y = add_positions(of({2, 1, 2}, {1, 2, 3, 4}), of({1, 1, 2}, {10, 20}));
  EXPECT_TRUE(support::same_bits(y, of({2, 1, 2}, {11, 22, 13, 24})));
}

TEST(Repeat, puts_copies_one_after_the_other) {
  EXPECT_TRUE(support::same_bits(repeat(of({2, 1}, {1, 2}), 3), of({6, 1}, {1, 2, 1, 2, 1, 2})));
}

TEST(SelectToken, takes_that_token_of_every_sequence) {
  const Tensor x = of({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_TRUE(support::same_bits(select_token(x, 1), of({2, 2}, {3, 4, 7, 8})));
}

TEST(Sum, adds_all_numbers) {
  EXPECT_TRUE(support::same_bits(sum(of({2, 2}, {1, 2, 3, -10})), of({1}, {-4})));
}

TEST(Sum, of_many_f32_numbers_is_that_of_doubles) {
  const Tensor x = Tensor::full({1 << 20}, 0.1f);
  EXPECT_EQ(static_cast<float>(sum(x).item()), static_cast<float>((1 << 20) * static_cast<double>(0.1f)));
}

TEST(OneHot, spreads_the_smoothing_over_all_classes) {
  const std::vector<Index> labels{2, 0};
  const Tensor t = one_hot(labels, 4, 0.2, Dtype::f64);
  EXPECT_TRUE(support::near(t, of({2, 4}, {0.05, 0.05, 0.85, 0.05, 0.85, 0.05, 0.05, 0.05}), 1e-15));
}

TEST(CrossEntropy, of_equal_logits_is_the_logarithm_of_the_classes) {
  const std::vector<Index> labels{1, 3, 2};
  EXPECT_NEAR(cross_entropy(Tensor::full({3, 4}, 7, Dtype::f64), one_hot(labels, 4, 0, Dtype::f64)).item(),
              std::log(4.0), 1e-15);
}

TEST(CrossEntropy, stays_finite_for_huge_logits) {
  const std::vector<Index> labels{1};
  const Parameter logits(Tensor::of<float>({1, 2}, {3e38f, -3e38f}));
  const Tensor loss = cross_entropy(logits, one_hot(labels, 2));
  EXPECT_TRUE(std::isinf(loss.item()) && loss.item() > 0);  // 6e38 is more than f32 holds
  backward(loss);
  EXPECT_TRUE(support::same_bits(logits.grad(), Tensor::of<float>({1, 2}, {1, -1})));
}

/// The models of tests/golden, whose values PyTorch computed.
class Golden : public TestWithParam<const char*> {
 protected:
  Tensor read(std::string_view name) const { return file_.read_as(name, Dtype::f64); }
  double number(std::string_view name) const { return read(name).item(); }
  std::vector<Index> labels() const {
    const Tensor t = file_.read("labels");
    return {t.data<std::int64_t>().begin(), t.data<std::int64_t>().end()};
  }

  /// Checks a loss of PyTorch's logits and its gradient.
  void expect_loss(const std::string& name, const Tensor& targets) const {
    const Parameter logits(read("logits"));
    const Tensor loss = cross_entropy(logits, targets);
    EXPECT_NEAR(loss.item(), number(name), 1e-13);
    backward(loss);
    EXPECT_TRUE(support::near(logits.grad(), read(name + ".logits_grad"), 1e-13));
  }

  /// Checks the contrastive loss of PyTorch's features and its gradient.
  void expect_contrast(const std::string& name, const std::vector<Index>& rows) const {
    const Parameter features(read("features"));
    const Tensor loss = sup_con(normalize_rows(features), rows, 0.07);
    EXPECT_NEAR(loss.item(), number(name), 1e-12);
    backward(loss);
    EXPECT_TRUE(support::near(features.grad(), read(name + ".features_grad"), 1e-12));
  }

  Index classes() const { return read("logits").shape()[1]; }

 private:
  Safetensors file_{support::golden(GetParam())};
};

TEST_P(Golden, cross_entropy_with_labels) {
  expect_loss("loss", one_hot(labels(), classes(), 0, Dtype::f64));
}

TEST_P(Golden, cross_entropy_with_smooth_labels) {
  expect_loss("loss_smooth", one_hot(labels(), classes(), 0.1, Dtype::f64));
}

TEST_P(Golden, cross_entropy_with_soft_targets) {
  expect_loss("loss_soft", read("soft_targets"));
}

TEST_P(Golden, sup_con_of_two_views) {
  expect_contrast("supcon", {0, 1, 0, 1});
}

TEST_P(Golden, sup_con_of_one_class) {
  expect_contrast("supcon_same", {1, 1, 1, 1});
}

INSTANTIATE_TEST_SUITE_P(PyTorch, Golden, ::testing::Values("vit_a.safetensors", "vit_b.safetensors"),
                         [](const auto& test) { return std::string(test.param, 5); });

/// Asserts that `f` throws an Error that begins with the op and names every one of `parts`.
template <class F>
void expect_error(F f, std::string_view op, std::initializer_list<const char*> parts) {
  const std::string message = support::error_of(f);
  EXPECT_TRUE(message.starts_with(std::string(op) + ":")) << message;
  for (const char* part : parts) EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Errors, name_the_op_and_both_shapes) {
  const Tensor a = Tensor::zeros({2, 3}), b = Tensor::zeros({2, 5}), c = Tensor::zeros({2, 4, 6});
  expect_error([&] { add(a, b); }, "add", {"[2, 3]", "[2, 5]"});
  expect_error([&] { multiply(a, b); }, "multiply", {"[2, 3]", "[2, 5]"});
  expect_error([&] { scale_samples(a, Tensor::zeros({3})); }, "scale_samples", {"[3]", "[2, 3]"});
  expect_error([&] { linear(a, b); }, "linear", {"[2, 3]", "[2, 5]"});
  expect_error([&] { linear(a, Tensor::zeros({4, 3}), Tensor::zeros({3})); }, "linear", {"[3]", "[4, 3]"});
  expect_error([&] { layer_norm(a, Tensor::zeros({2}), Tensor::zeros({3}), 0); }, "layer_norm",
               {"[2, 3]", "[2]", "[3]"});
  expect_error([&] { normalize_rows(c); }, "normalize_rows", {"[2, 4, 6]"});
  expect_error([&] { attention(c, 4); }, "attention", {"4 heads", "[2, 4, 6]"});
  expect_error([&] { patches(Tensor::zeros({1, 3, 4, 6}), 5); }, "patches", {"5", "[1, 3, 4, 6]"});
  expect_error(
      [&] {
        insert_tokens(c, Tensor::zeros({1, 1, 5}), 0);
      },
      "insert_tokens", {"[1, 1, 5]", "[2, 4, 6]"});
  expect_error([&] { insert_tokens(c, Tensor::zeros({1, 1, 6}), 5); }, "insert_tokens", {"5", "[2, 4, 6]"});
  expect_error([&] { remove_tokens(c, 2, 3); }, "remove_tokens", {"2 to 5", "[2, 4, 6]"});
  expect_error([&] { affine(a, Tensor::zeros({2})); }, "affine", {"[2]", "[2, 3]"});
  expect_error([&] { affine(a, Tensor::zeros({3}), Tensor::zeros({2})); }, "affine", {"[2]", "[2, 3]"});
  expect_error(
      [&] {
        add_positions(c, Tensor::zeros({1, 4, 5}));
      },
      "add_positions", {"[1, 4, 5]", "[2, 4, 6]"});
  expect_error([&] { repeat(a, 0); }, "repeat", {"[2, 3]", "0 times"});
  expect_error([&] { select_token(c, 4); }, "select_token", {"4", "[2, 4, 6]"});
  expect_error([&] { cross_entropy(a, b); }, "cross_entropy", {"[2, 3]", "[2, 5]"});
  expect_error([&] { reshape(a, {7}); }, "tensor", {"[2, 3]", "[7]"});
  expect_error([&] { one_hot(std::vector<Index>{0, 3}, 3); }, "one_hot", {"3"});
  expect_error([&] { sup_con(a, std::vector<Index>{0}, 0.1); }, "sup_con", {"[2, 3]", "1 labels"});
  expect_error([&] { sup_con(a, std::vector<Index>{0, 1}, 0.1); }, "sup_con", {"same label"});
  expect_error([&] { sup_con(a, std::vector<Index>{0, 0}, 0); }, "sup_con", {"temperature"});
}

TEST(Errors, name_both_dtypes) {
  expect_error([] { add(Tensor::zeros({2}), Tensor::zeros({2}, Dtype::f64)); }, "add", {"f32", "f64"});
  expect_error(
      [] {
        linear(Tensor::zeros({1, 2}, Dtype::f64), Tensor::zeros({3, 2}));
      },
      "linear", {"f32", "f64"});
}

TEST(Errors, say_that_targets_and_factors_are_not_trained) {
  const Parameter p(Tensor::zeros({2, 2})), f(Tensor::zeros({2}));
  expect_error([&] { cross_entropy(Tensor::zeros({2, 2}), p); }, "cross_entropy", {"not trained"});
  expect_error([&] { scale_samples(Tensor::zeros({2, 2}), f); }, "scale_samples", {"not trained"});
}

}  // namespace
}  // namespace engine
