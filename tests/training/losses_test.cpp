#include "tools/training/losses.h"

#include <gtest/gtest.h>

#include <cmath>

namespace training {
namespace {

using engine::Index;
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

/// Two images of classes 0 and 2, their scores, and weights of the three classes.
struct Weighted {
  Tensor logits = Tensor::of<float>({2, 3}, {1, 2, 3, 0.5f, -1, 0});
  std::vector<double> weights{2, 1, 0.5};
  data::Batch batch;
  Weighted() { batch.labels = {0, 2}; }
  /// -log of the softmax.
  double nll(Index i, Index c) const {
    const auto x = logits.data<float>().subspan(static_cast<std::size_t>(3 * i), 3);
    return std::log(std::exp(x[0]) + std::exp(x[1]) + std::exp(x[2])) - x[static_cast<std::size_t>(c)];
  }
};

// As PyTorch's CrossEntropyLoss(weight) divides: by the sum of the labels' weights.
TEST(ClassWeights, of_labels_are_divided_by_their_sum) {
  const Weighted w;
  EXPECT_NEAR(cross_entropy_loss(w.logits, w.batch, 0, w.weights).item(),
              (2 * w.nll(0, 0) + 0.5 * w.nll(1, 2)) / 2.5, 1e-6);
  double smooth = 0;
  for (Index i = 0; i < 2; ++i)
    for (Index c = 0; c < 3; ++c) smooth += w.weights[static_cast<std::size_t>(c)] * w.nll(i, c) / 3;
  EXPECT_NEAR(cross_entropy_loss(w.logits, w.batch, 0.1, w.weights).item(),
              (0.9 * (2 * w.nll(0, 0) + 0.5 * w.nll(1, 2)) + 0.1 * smooth) / 2.5, 1e-6);
}

// And of soft targets, by the number of images.
TEST(ClassWeights, of_soft_targets_are_divided_by_the_images) {
  Weighted w;
  w.batch.targets = Tensor::of<float>({2, 3}, {0.5f, 0.5f, 0, 0, 0, 1});
  EXPECT_NEAR(cross_entropy_loss(w.logits, w.batch, 0, w.weights).item(),
              (0.5 * 2 * w.nll(0, 0) + 0.5 * w.nll(0, 1) + 0.5 * w.nll(1, 2)) / 2, 1e-6);
}

TEST(ClassWeights, that_are_balanced_are_those_of_a_computation_by_hand) {
  class Labels : public data::Dataset {
   public:
    Index size() const override { return 6; }
    std::string name(Index) const override { return ""; }
    Index label(Index i) const override { return i < 3 ? 0 : i < 5 ? 1 : 2; }
    data::Image image(Index) const override { return {}; }
  };
  EXPECT_EQ(balanced_weights(Labels(), {"a", "b", "c"}), (std::vector<double>{6.0 / 9, 1, 2}));
  EXPECT_THROW(balanced_weights(Labels(), {"a", "b", "c", "d"}), engine::Error);
}

}  // namespace
}  // namespace training
