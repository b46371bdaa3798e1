#include "tools/training/mistakes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/training/metrics.h"

namespace training {

void MistakesSoFar::add(std::span<const float> logits, Index label, const std::string& file) {
  ++images_;
  const Index predicted = predicted_class(logits);
  if (label == predicted) return;
  const std::vector<double> p = probabilities(logits);
  const Mistake mistake{.file = file,
                        .label = label,
                        .predicted = predicted,
                        .p_label = p[static_cast<std::size_t>(label)],
                        .p_predicted = p[static_cast<std::size_t>(predicted)]};
  worst_.insert(std::ranges::upper_bound(worst_, mistake.p_label, {}, &Mistake::p_label), mistake);
  if (worst_.size() > most_) worst_.pop_back();
}

std::vector<Mistake> worst_mistakes(const Predictions& predictions, std::size_t count) {
  const auto classes = static_cast<std::size_t>(predictions.logits.shape()[1]);
  MistakesSoFar mistakes(count);
  for (std::size_t i = 0; i < predictions.labels.size(); ++i)
    mistakes.add(predictions.logits.data<float>().subspan(i * classes, classes), predictions.labels[i],
                 predictions.files[i]);
  return mistakes.worst();
}

nlohmann::ordered_json mistakes_json(const std::string& split, const MistakesSoFar& found,
                                     const std::vector<std::string>& classes) {
  nlohmann::ordered_json mistakes = nlohmann::ordered_json::array();
  for (const Mistake& m : found.worst()) {
    mistakes.push_back({{"file", m.file},
                        {"class", classes[static_cast<std::size_t>(m.label)]},
                        {"predicted", classes[static_cast<std::size_t>(m.predicted)]},
                        {"p_class", m.p_label},
                        {"p_predicted", m.p_predicted}});
  }
  return {{"split", split}, {"images", found.images()}, {"mistakes", mistakes}};
}

}  // namespace training
