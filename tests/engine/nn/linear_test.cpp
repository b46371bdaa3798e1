#include "engine/nn/linear.h"

#include <gtest/gtest.h>

#include <cstring>

#include "engine/autograd/record.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "tests/support/random_tensor.h"

namespace engine {
namespace {

void expect_same_bits(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.shape(), b.shape());
  EXPECT_EQ(std::memcmp(a.raw(), b.raw(), a.bytes()), 0);
}

Linear random_layer(Index in, Index out, Linear::Bias with_bias, Dtype dtype) {
  Linear layer(in, out, with_bias);
  layer.weight.value() = support::random_tensor({out, in}, 1, dtype);
  if (layer.bias) layer.bias->value() = support::random_tensor({out}, 2, dtype);
  return layer;
}

/// Doubles what the layer gives.
class Twice : public Adapter {
 public:
  std::string_view name() const override { return "twice"; }
  Tensor operator()(const Tensor& x, const Base& layer) override { return add(layer(x), layer(x)); }
  bool merge_into(Adaptable&) override { return false; }
  void parts(Parts&) override {}
};

TEST(PackedLinear, has_the_bits_of_the_layer_in_every_form) {
  const NoGrad no_grad;
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    for (const auto with_bias : {Linear::Bias::yes, Linear::Bias::no}) {
      for (const Index rows : {1, 5, 197}) {
        Linear layer = random_layer(70, 53, with_bias, dtype);
        const Tensor x = support::random_tensor({2, rows, 70}, 3, dtype),
                     residual = support::random_tensor({2, rows, 53}, 4, dtype),
                     factors = support::random_tensor({2}, 5, dtype),
                     gamma = support::random_tensor({53}, 6, dtype);
        const Tensor y = layer(x), with_gelu = layer.activated(x, Activation::gelu),
                     sum = layer.add_to(residual, x),
                     scaled_features = layer.add_to(residual, x, {.features = gamma}),
                     scaled = layer.add_to(residual, x, {.features = gamma, .samples = factors});
        layer.pack_weight();
        EXPECT_FALSE(layer.weight.value().defined());
        expect_same_bits(layer(x), y);
        expect_same_bits(layer.activated(x, Activation::gelu), with_gelu);
        expect_same_bits(layer.add_to(residual, x), sum);
        expect_same_bits(layer.add_to(residual, x, {.features = gamma}), scaled_features);
        expect_same_bits(layer.add_to(residual, x, {.features = gamma, .samples = factors}), scaled);
      }
    }
  }
}

TEST(PackedLinear, leaves_a_layer_with_an_adapter_as_it_is) {
  Linear layer = random_layer(8, 4, Linear::Bias::yes, Dtype::f32);
  layer.attach(std::make_unique<Twice>());
  layer.pack_weight();
  EXPECT_TRUE(layer.weight.value().defined());
}

TEST(PackedLinear, refuses_to_be_recorded_and_what_does_not_fit) {
  Linear layer = random_layer(8, 4, Linear::Bias::yes, Dtype::f32);
  layer.pack_weight();
  const Parameter input(support::random_tensor({3, 8}, 3));
  EXPECT_THROW(layer(input), Error);
  const NoGrad no_grad;
  EXPECT_NO_THROW(layer(input));
  EXPECT_THROW(layer(support::random_tensor({3, 7}, 3)), Error);
  EXPECT_THROW(layer(support::random_tensor({3, 8}, 3, Dtype::f64)), Error);
  EXPECT_THROW(layer.add_to(support::random_tensor({3, 5}, 4), support::random_tensor({3, 8}, 3)), Error);
}

}  // namespace
}  // namespace engine
