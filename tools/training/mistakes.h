#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tools/training/evaluate.h"

namespace training {

/// An image whose predicted class is not its own.
struct Mistake {
  std::string file;
  Index label = 0, predicted = 0;       ///< in the model's classes
  double p_label = 0, p_predicted = 0;  ///< the probabilities the model gives them
};

/// The mistakes with the lowest probability of the true class, worst first; ties in the order of the split.
std::vector<Mistake> worst_mistakes(const Predictions& predictions, std::size_t count);

/// What a run keeps, as judged.json, of the predictions on the split it was evaluated on last: the split, the
/// number of images and the worst mistakes. `classes` are the model's.
nlohmann::ordered_json mistakes_json(const std::string& split, const Predictions& predictions,
                                     const std::vector<std::string>& classes);

}  // namespace training
