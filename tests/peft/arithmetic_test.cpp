// "0.3 % of the parameters" is less work: counted in multiply-adds, not timed.
#include <gtest/gtest.h>

#include "engine/kernels/gemm.h"
#include "models/zoo.h"
#include "tests/peft/small.h"

namespace {

using engine::Index;
using models::Vit;

// ViT-Ti/16 on one image.
constexpr double kTokens = 197, kWidth = 192, kClasses = 10;
// The products with a weight matrix in 12 blocks, the patch embedding and the head; as many again for the
// gradients of the weights. Behind the queries, keys and values of the last block there is only the class
// token.
constexpr double kWeights = 11 * 12 * kWidth * kWidth * kTokens + (3 * kTokens + 9) * kWidth * kWidth +
                            (kTokens - 1) * 3 * 16 * 16 * kWidth + kClasses * kWidth;
constexpr double kAttention = (11 * kTokens + 1) * 2 * kTokens * kWidth;

/// Multiply-adds of a forward pass and of a whole step.
struct Work {
  double forward, step;
};

Work work(const std::string& name) {
  models::VitConfig config = models::architecture("vit_tiny_patch16_224");
  config.classes = static_cast<Index>(kClasses);
  Vit model(config);
  models::initialize(model, 1);
  const auto method = small::method(name);
  method->prepare(model, nullptr);
  const engine::Tensor image = support::random_tensor({1, 3, 224, 224}, 1);
  const Index start = engine::kernels::multiply_adds();
  const engine::Tensor loss =
      engine::cross_entropy(model(image), engine::one_hot(std::vector<Index>{3}, config.classes));
  const Index middle = engine::kernels::multiply_adds();
  engine::backward(loss);
  const Index end = engine::kernels::multiply_adds();
  return {static_cast<double>(middle - start), static_cast<double>(end - start)};
}

TEST(arithmetic, of_a_full_step_is_three_times_the_weights_and_the_attention) {
  const Work full = work("full");
  EXPECT_EQ(full.forward, kWeights + kAttention);
  // The backward pass of attention has five products, the probabilities' again among them; images need no
  // gradient.
  const double patches = (kTokens - 1) * 3 * 16 * 16 * kWidth;
  EXPECT_EQ(full.step, 3 * kWeights - patches + kAttention * 7 / 2);
}

TEST(arithmetic, of_selecting_methods_leaves_out_almost_all_of_the_weights_gradients) {
  const double full = work("full").step;
  for (const char* name : {"grft", "gps", "sift"}) {
    const double step = work(name).step;
    RecordProperty(std::string(name) + "_over_full", std::to_string(step / full));
    EXPECT_LT(step / full, 0.73) << name;
    EXPECT_GT(full - step, 0.98 * kWeights) << name;
    EXPECT_LT(full - step, kWeights) << name;
  }
}

TEST(arithmetic, of_a_linear_probe_is_a_forward_pass) {
  const Work linear = work("linear");
  EXPECT_LT(linear.step, 1.001 * linear.forward);
}

}  // namespace
