#include "tools/training/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace training {

using engine::Tensor;

namespace {

double percent(double part, double whole) {
  return whole > 0 ? 100 * part / whole : 0;
}

/// Calls f(row, label) for every row.
template <class F>
void for_each_row(const Tensor& logits, std::span<const Index> labels, F f) {
  const auto classes = static_cast<std::size_t>(logits.shape()[1]);
  for (std::size_t i = 0; i < labels.size(); ++i)
    f(logits.data<float>().subspan(i * classes, classes), labels[i]);
}

/// How many classes come before `label` when they are sorted by score in descending order, ties by class.
Index rank_of(std::span<const float> row, Index label) {
  const auto at = static_cast<std::size_t>(label);
  Index better = 0;
  for (std::size_t j = 0; j < row.size(); ++j) better += row[j] > row[at] || (row[j] == row[at] && j < at);
  return better;
}

/// Confidence and accuracy in equal bins of confidence.
class Calibration {
 public:
  void add(double confidence, bool right) {
    Bin& bin = bins_[std::min(bins_.size() - 1,
                              static_cast<std::size_t>(confidence * static_cast<double>(bins_.size())))];
    bin.confidence += confidence;
    bin.right += right ? 1 : 0;
    ++total_;
  }
  double error() const {
    double sum = 0;
    for (const Bin& bin : bins_) sum += std::abs(bin.right - bin.confidence);
    return total_ > 0 ? sum / total_ : 0;
  }

 private:
  struct Bin {
    double confidence = 0, right = 0;
  };
  std::array<Bin, 15> bins_{};
  double total_ = 0;
};

}  // namespace

std::vector<double> probabilities(std::span<const float> logits) {
  const double top = *std::ranges::max_element(logits);
  std::vector<double> p;
  double total = 0;
  for (float x : logits) total += p.emplace_back(std::exp(x - top));
  for (double& v : p) v /= total;
  return p;
}

Index predicted_class(std::span<const float> logits) {
  return std::ranges::max_element(logits) - logits.begin();
}

double top_k_accuracy(const Tensor& logits, std::span<const Index> labels, Index k) {
  double right = 0;
  for_each_row(logits, labels,
               [&](std::span<const float> row, Index label) { right += rank_of(row, label) < k; });
  return percent(right, static_cast<double>(labels.size()));
}

double mean_cross_entropy(const Tensor& logits, std::span<const Index> labels) {
  double loss = 0;
  for_each_row(logits, labels, [&](std::span<const float> row, Index label) {
    loss -= std::log(std::max(probabilities(row)[static_cast<std::size_t>(label)], 1e-300));
  });
  return loss / std::max(1.0, static_cast<double>(labels.size()));
}

double calibration_error(const Tensor& logits, std::span<const Index> labels) {
  Calibration calibration;
  for_each_row(logits, labels, [&](std::span<const float> row, Index label) {
    const Index predicted = predicted_class(row);
    calibration.add(probabilities(row)[static_cast<std::size_t>(predicted)], predicted == label);
  });
  return calibration.error();
}

std::vector<std::map<Index, Index>> confusion_matrix(const Tensor& logits, std::span<const Index> labels) {
  std::vector<std::map<Index, Index>> counts(static_cast<std::size_t>(logits.shape()[1]));
  for_each_row(logits, labels, [&](std::span<const float> row, Index label) {
    ++counts[static_cast<std::size_t>(label)][predicted_class(row)];
  });
  return counts;
}

}  // namespace training
