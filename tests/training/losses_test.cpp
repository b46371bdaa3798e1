#include "tools/training/losses.h"

#include <gtest/gtest.h>

#include <cmath>

namespace training {
namespace {

using engine::Tensor;

/// Scores whose probabilities are 0.75 and 0.25.
Tensor logits() {
  return Tensor::of<float>({1, 2}, {std::log(3.0f), 0});
}

double loss(double first, double second) {
  return -(first * std::log(0.75) + second * std::log(0.25));
}

TEST(CrossEntropyLoss, is_smoothed_towards_all_classes_alike) {
  data::Batch batch;
  batch.labels = {1};
  EXPECT_NEAR(cross_entropy_loss(logits(), batch, 0).item(), loss(0, 1), 1e-6);
  EXPECT_NEAR(cross_entropy_loss(logits(), batch, 0.2).item(), loss(0.1, 0.9), 1e-6);
}

TEST(CrossEntropyLoss, takes_the_soft_targets_of_mixed_images_and_leaves_them_as_they_are) {
  data::Batch batch;
  batch.labels = {1};
  batch.targets = Tensor::of<float>({1, 2}, {0.7f, 0.3f});
  EXPECT_NEAR(cross_entropy_loss(logits(), batch, 0).item(), loss(0.7, 0.3), 1e-6);
  EXPECT_NEAR(cross_entropy_loss(logits(), batch, 0.2).item(), loss(0.66, 0.34), 1e-6);
  EXPECT_EQ(batch.targets.data<float>()[0], 0.7f);
}

}  // namespace
}  // namespace training
