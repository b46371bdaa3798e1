#include "tools/training/metrics.h"

#include <algorithm>
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

double cross_entropy(std::span<const float> logits, Index label) {
  constexpr double kSmallest = 1e-300;
  const double p = probabilities(logits)[static_cast<std::size_t>(label)];
  if (p >= kSmallest) return -std::log(p);
  const double top = *std::ranges::max_element(logits);
  double total = 0;
  for (float x : logits) total += std::exp(x - top);
  return std::log(total) - (static_cast<double>(logits[static_cast<std::size_t>(label)]) - top);
}

void Metrics::add(std::span<const float> logits, Index label) {
  const Index rank = rank_of(logits, label), predicted = predicted_class(logits);
  top1_ += rank < 1, top5_ += rank < 5;
  loss_ += cross_entropy(logits, label);
  const double confidence = probabilities(logits)[static_cast<std::size_t>(predicted)];
  Bin& bin = bins_[std::min(bins_.size() - 1,
                            static_cast<std::size_t>(confidence * static_cast<double>(bins_.size())))];
  bin.confidence += confidence;
  bin.right += predicted == label ? 1 : 0;
  ++confusion_[static_cast<std::size_t>(label)][predicted];
  ++rows_;
}

double Metrics::percent_of(double part) const {
  return percent(part, static_cast<double>(rows_));
}

double Metrics::mean_cross_entropy() const {
  return loss_ / std::max(1.0, static_cast<double>(rows_));
}

double Metrics::calibration_error() const {
  double sum = 0;
  for (const Bin& bin : bins_) sum += std::abs(bin.right - bin.confidence);
  return rows_ > 0 ? sum / static_cast<double>(rows_) : 0;
}

namespace {

Metrics metrics_of(const Tensor& logits, std::span<const Index> labels) {
  Metrics metrics(logits.shape()[1]);
  for_each_row(logits, labels, [&](std::span<const float> row, Index label) { metrics.add(row, label); });
  return metrics;
}

}  // namespace

double mean_cross_entropy(const Tensor& logits, std::span<const Index> labels) {
  return metrics_of(logits, labels).mean_cross_entropy();
}

double calibration_error(const Tensor& logits, std::span<const Index> labels) {
  return metrics_of(logits, labels).calibration_error();
}

std::vector<std::map<Index, Index>> confusion_matrix(const Tensor& logits, std::span<const Index> labels) {
  return metrics_of(logits, labels).confusion();
}

}  // namespace training
