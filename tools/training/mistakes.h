#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/tensor/tensor.h"

namespace training {

using engine::Index;

/// The class scores of every image of a split.
struct Predictions {
  engine::Tensor logits;      ///< [n, classes]
  std::vector<Index> labels;  ///< in the model's classes
  std::vector<std::string> files;
  double seconds = 0;
};

/// An image whose predicted class is not its own.
struct Mistake {
  std::string file;
  Index label = 0, predicted = 0;       ///< in the model's classes
  double p_label = 0, p_predicted = 0;  ///< the probabilities the model gives them
};

/// Of images that arrive one by one, the mistakes with the lowest probability of the true class.
class MistakesSoFar {
 public:
  explicit MistakesSoFar(std::size_t most = 24) : most_(most) {}
  void add(std::span<const float> logits, Index label, const std::string& file);
  /// Worst first; ties in the order they came.
  const std::vector<Mistake>& worst() const { return worst_; }
  Index images() const { return images_; }

 private:
  std::size_t most_;
  Index images_ = 0;
  std::vector<Mistake> worst_;
};

/// Those of predictions.
std::vector<Mistake> worst_mistakes(const Predictions& predictions, std::size_t count);

/// What a run keeps, as judged.json, of the predictions on the split it was evaluated on last: the split, the
/// number of images and the worst mistakes. `classes` are the model's.
nlohmann::ordered_json mistakes_json(const std::string& split, const MistakesSoFar& mistakes,
                                     const std::vector<std::string>& classes);

}  // namespace training
