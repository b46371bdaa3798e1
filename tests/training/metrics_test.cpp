#include "tools/training/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>

namespace training {
namespace {

using engine::Tensor;
using Labels = std::vector<Index>;

constexpr float kNever = -1000;  // a score whose probability is 0 in double, and finite

/// A score whose probability is `odds` times that of the score 0.
float odds(double odds) {
  return static_cast<float>(std::log(odds));
}

/// Rows of scores for the same number of classes.
Tensor scores(std::initializer_list<std::vector<float>> rows) {
  std::vector<float> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  return Tensor::of<float>({static_cast<Index>(rows.size()), static_cast<Index>(rows.begin()->size())}, all);
}

TEST(TopK, counts_the_classes_with_a_higher_score) {
  const std::vector<float> falling{7, 6, 5, 4, 3, 2, 1};
  EXPECT_EQ(top_k_accuracy(scores({falling}), Labels{0}, 1), 100);
  EXPECT_EQ(top_k_accuracy(scores({falling}), Labels{1}, 1), 0);
  EXPECT_EQ(top_k_accuracy(scores({falling}), Labels{4}, 5), 100) << "the fifth";
  EXPECT_EQ(top_k_accuracy(scores({falling}), Labels{5}, 5), 0) << "the sixth";
  EXPECT_EQ(top_k_accuracy(scores({falling, falling, falling, falling}), Labels{0, 4, 5, 6}, 5), 50);
  EXPECT_EQ(top_k_accuracy(scores({falling, falling, falling, falling}), Labels{0, 4, 5, 6}, 1), 25);
}

TEST(TopK, gives_ties_to_the_lower_class) {
  const std::vector<float> equal{2, 2, 2, 2, 2, 2}, second{0, 9, 9, 1, 1, 1};
  EXPECT_EQ(top_k_accuracy(scores({equal, equal}), Labels{0, 1}, 1), 50);
  EXPECT_EQ(top_k_accuracy(scores({equal, equal}), Labels{4, 5}, 5), 50);
  EXPECT_EQ(top_k_accuracy(scores({second, second}), Labels{1, 2}, 1), 50);
  EXPECT_EQ(top_k_accuracy(scores({second, second}), Labels{0, 5}, 5), 50);
  EXPECT_EQ(predicted_class(second), 1);
}

TEST(TopK, of_fewer_than_five_classes_has_them_all_among_five) {
  EXPECT_EQ(top_k_accuracy(scores({{0, 1, 2}, {2, 1, 0}}), Labels{0, 2}, 5), 100);
}

TEST(Probabilities, are_the_softmax_of_a_row_whatever_is_added_to_it) {
  for (const float shift : {0.0f, 500.0f, -500.0f}) {
    const std::vector<double> p = probabilities(std::vector<float>{odds(6) + shift, odds(3) + shift, shift});
    ASSERT_EQ(p.size(), 3u);
    EXPECT_NEAR(p[0], 0.6, 1e-4);
    EXPECT_NEAR(p[1], 0.3, 1e-4);
    EXPECT_NEAR(p[2], 0.1, 1e-4);
  }
}

TEST(MeanCrossEntropy, is_the_mean_of_minus_the_logarithm_of_the_probability) {
  const Tensor logits = scores({{odds(3), 0}, {odds(3), 0}});  // 0.75 and 0.25
  EXPECT_NEAR(mean_cross_entropy(logits, Labels{0, 0}), -std::log(0.75), 1e-6);
  EXPECT_NEAR(mean_cross_entropy(logits, Labels{0, 1}), -(std::log(0.75) + std::log(0.25)) / 2, 1e-6);
}

TEST(MeanCrossEntropy, of_a_probability_of_zero_is_finite) {
  EXPECT_EQ(mean_cross_entropy(scores({{0, kNever}}), Labels{1}), 1000) << "by log-sum-exp, not clipped";
  EXPECT_EQ(mean_cross_entropy(scores({{3000, 1000, -500}}), Labels{2}), 3500);
}

TEST(CalibrationError, is_how_far_accuracy_and_confidence_are_apart_in_a_bin) {
  const Tensor one = scores({{odds(3), 0}});
  EXPECT_NEAR(calibration_error(one, Labels{0}), 0.25, 1e-6) << "confidence 0.75, right";
  EXPECT_NEAR(calibration_error(one, Labels{1}), 0.75, 1e-6) << "confidence 0.75, wrong";
  // One bin: half of the two are right.
  const Tensor two = scores({{odds(3), 0}, {odds(3), 0}});
  EXPECT_NEAR(calibration_error(two, Labels{0, 1}), 0.25, 1e-6);
  // Two bins: 0.75 and right, 0.9 and wrong.
  EXPECT_NEAR(calibration_error(scores({{odds(3), 0}, {odds(9), 0}}), Labels{0, 1}), (0.25 + 0.9) / 2, 1e-6);
  // Two bins of unlike size, weighted by their images: 0.75 right, right and wrong; 0.9 right.
  EXPECT_NEAR(
      calibration_error(scores({{odds(3), 0}, {odds(3), 0}, {odds(3), 0}, {odds(9), 0}}), Labels{0, 0, 1, 0}),
      (std::abs(2 - 3 * 0.75) + 0.1) / 4, 1e-6);
}

TEST(CalibrationError, has_fifteen_bins) {
  // 0.47 and 0.5 share [7/15, 8/15), and would no bin of 14 or 16.
  const Tensor logits = scores({{odds(0.47), odds(0.46), odds(0.07)}, {0, 0, kNever}});
  EXPECT_NEAR(calibration_error(logits, Labels{0, 1}), std::abs(1 - 0.97) / 2, 1e-6);
  // 0.54 is in the next one.
  const Tensor apart = scores({{odds(0.54), odds(0.40), odds(0.06)}, {0, 0, kNever}});
  EXPECT_NEAR(calibration_error(apart, Labels{0, 1}), (0.46 + 0.5) / 2, 1e-6);
}

TEST(CalibrationError, has_bins_closed_on_the_left) {
  const std::vector<float> third{0, 0, 0, kNever};  // the edge 5/15, exactly
  ASSERT_EQ(probabilities(third)[0] * 15, 5);
  const std::vector<float> below{odds(3), odds(3), odds(3), 0};  // 0.3
  const std::vector<float> above{odds(0.35), odds(0.35), odds(0.3), kNever};
  EXPECT_NEAR(calibration_error(scores({third, below}), Labels{1, 0}), (1.0 / 3 + 0.7) / 2, 1e-6)
      << "two bins";
  EXPECT_NEAR(calibration_error(scores({third, above}), Labels{1, 0}), std::abs(1 - 1.0 / 3 - 0.35) / 2, 1e-6)
      << "one bin";
}

TEST(CalibrationError, has_a_last_bin_closed_on_both_sides) {
  const std::vector<float> certain{0, kNever, kNever}, nearly{odds(19), 0, kNever};  // 1 and 0.95
  ASSERT_EQ(probabilities(certain)[0], 1);
  EXPECT_NEAR(calibration_error(scores({certain, nearly}), Labels{1, 0}), std::abs(1 - 1.95) / 2, 1e-6);
}

TEST(ConfusionMatrix, has_a_row_of_predictions_for_every_true_class) {
  const Tensor logits = scores({{5, 0, 0}, {1, 0, 0}, {9, 0, 0}, {0, 0, 1}});
  const auto counts = confusion_matrix(logits, Labels{0, 1, 1, 1});
  ASSERT_EQ(counts.size(), 3u);
  EXPECT_EQ(counts[0], (std::map<Index, Index>{{0, 1}}));
  EXPECT_EQ(counts[1], (std::map<Index, Index>{{0, 2}, {2, 1}}));
  EXPECT_TRUE(counts[2].empty());
}

TEST(Metrics, of_no_images_are_zero) {
  const Tensor none = Tensor::zeros({0, 3});
  EXPECT_EQ(top_k_accuracy(none, {}, 1), 0);
  EXPECT_EQ(mean_cross_entropy(none, {}), 0);
  EXPECT_EQ(calibration_error(none, {}), 0);
}

}  // namespace
}  // namespace training
