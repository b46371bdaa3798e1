#pragma once

#include <array>
#include <map>
#include <span>
#include <vector>

#include "engine/tensor/tensor.h"

namespace training {

using engine::Index;

// Figures of class scores `logits` [n, classes], all finite, and the true class of every row. Of no rows at
// all every figure is 0.

/// softmax(logits), one row.
std::vector<double> probabilities(std::span<const float> logits);

/// The class with the highest score in a row; of several, the lowest one.
Index predicted_class(std::span<const float> logits);

/// The figures of rows that arrive one by one.
class Metrics {
 public:
  explicit Metrics(Index classes) : confusion_(static_cast<std::size_t>(classes)) {}
  /// A row of scores and its true class.
  void add(std::span<const float> logits, Index label);

  Index rows() const { return rows_; }
  double top1() const { return percent_of(top1_); }
  double top5() const { return percent_of(top5_); }
  double mean_cross_entropy() const;
  double calibration_error() const;
  const std::vector<std::map<Index, Index>>& confusion() const { return confusion_; }

 private:
  struct Bin {
    double confidence = 0, right = 0;
  };
  double percent_of(double part) const;

  Index rows_ = 0;
  double top1_ = 0, top5_ = 0, loss_ = 0;
  std::array<Bin, 15> bins_{};
  std::vector<std::map<Index, Index>> confusion_;
};

/// -log p of a class in a row, also where p is too small for a double.
double cross_entropy(std::span<const float> logits, Index label);

/// Percent of the rows whose true class is among the `k` with the highest scores; ties go to the lower class.
double top_k_accuracy(const engine::Tensor& logits, std::span<const Index> labels, Index k);

/// Mean of -log p(true class).
double mean_cross_entropy(const engine::Tensor& logits, std::span<const Index> labels);

/// Expected calibration error (Guo et al. 2017): the mean over the rows of |accuracy - confidence| of their
/// bin, where confidence is the probability of the predicted class. The 15 bins [i/15, (i+1)/15) are closed
/// on the left, the last one on both sides.
double calibration_error(const engine::Tensor& logits, std::span<const Index> labels);

/// For every class how often its rows were predicted as which class.
std::vector<std::map<Index, Index>> confusion_matrix(const engine::Tensor& logits,
                                                     std::span<const Index> labels);

}  // namespace training
