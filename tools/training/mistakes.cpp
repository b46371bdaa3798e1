#include "tools/training/mistakes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace training {

std::vector<Mistake> worst_mistakes(const Predictions& predictions, std::size_t count) {
  const auto classes = static_cast<std::size_t>(predictions.logits.shape()[1]);
  std::vector<Mistake> mistakes;
  for (std::size_t i = 0; i < predictions.labels.size(); ++i) {
    const auto logits = predictions.logits.data<float>().subspan(i * classes, classes);
    const Index label = predictions.labels[i], predicted = predicted_class(logits);
    if (label == predicted) continue;
    const std::vector<double> p = probabilities(logits);
    mistakes.push_back({.file = predictions.files[i],
                        .label = label,
                        .predicted = predicted,
                        .p_label = p[static_cast<std::size_t>(label)],
                        .p_predicted = p[static_cast<std::size_t>(predicted)]});
  }
  std::ranges::stable_sort(mistakes, {}, &Mistake::p_label);
  mistakes.resize(std::min(mistakes.size(), count));
  return mistakes;
}

nlohmann::ordered_json mistakes_json(const std::string& split, const Predictions& predictions,
                                     const std::vector<std::string>& classes) {
  constexpr std::size_t kKept = 24;
  nlohmann::ordered_json mistakes = nlohmann::ordered_json::array();
  for (const Mistake& m : worst_mistakes(predictions, kKept)) {
    mistakes.push_back({{"file", m.file},
                        {"class", classes[static_cast<std::size_t>(m.label)]},
                        {"predicted", classes[static_cast<std::size_t>(m.predicted)]},
                        {"p_class", m.p_label},
                        {"p_predicted", m.p_predicted}});
  }
  return {{"split", split}, {"images", predictions.labels.size()}, {"mistakes", mistakes}};
}

}  // namespace training
