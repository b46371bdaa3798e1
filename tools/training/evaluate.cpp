#include "tools/training/evaluate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/autograd/record.h"
#include "engine/base/phase.h"
#include "engine/base/stopwatch.h"
#include "tools/training/features.h"
#include "tools/training/next_batch.h"

namespace training {

using engine::Tensor;

Predictions predict_split(models::Vit& model, std::shared_ptr<const data::Dataset> split,
                          const data::Preprocessing& how, const std::vector<Index>& class_map,
                          const EvaluateOptions& options, const Events& events) {
  const engine::NoGrad no_grad;
  const engine::Stopwatch watch;
  data::Loader loader(split, {.preprocessing = how,
                              .batch_size = options.batch_size,
                              .images = !options.known.defined(),
                              .workers = options.workers});
  const Index classes = model.config().classes;
  Predictions all{
      .logits = Tensor::uninitialized({split->size(), classes}), .labels = {}, .files = {}, .seconds = 0};
  std::optional<ProgressReport> progress;
  if (!options.part.empty()) progress.emplace(events, options.part, loader.batches(), options.batch_size);
  std::byte* to = all.logits.raw();
  loader.start(0);
  while (const auto batch = next_batch(loader)) {
    check_stop(events, "while evaluating");
    const engine::PhaseTimer timer(engine::Phase::evaluate);
    const Tensor logits = logits_of(model, *batch, options.known);
    std::memcpy(to, logits.raw(), logits.bytes());
    to += logits.bytes();
    for (Index label : batch->labels) all.labels.push_back(class_map[static_cast<std::size_t>(label)]);
    all.files.insert(all.files.end(), batch->names.begin(), batch->names.end());
    if (progress) progress->advance();
  }
  all.seconds = watch.seconds();
  return all;
}

Evaluation evaluate(const Predictions& predictions, const std::vector<std::string>& classes,
                    const std::vector<Index>& class_map) {
  const Tensor& logits = predictions.logits;
  const std::vector<Index>& labels = predictions.labels;
  const Index n = logits.shape()[0], outputs = logits.shape()[1];
  for (Index i = 0; i < n; ++i) {
    const auto row = logits.data<float>().subspan(static_cast<std::size_t>(i * outputs),
                                                  static_cast<std::size_t>(outputs));
    engine::check(std::ranges::all_of(row, [](float x) { return std::isfinite(x); }), "the logits of",
                  predictions.files[static_cast<std::size_t>(i)],
                  "are not all finite: the weights are too large for it, or the training diverged");
  }
  Evaluation e{.top1 = top_k_accuracy(logits, labels, 1),
               .top5 = top_k_accuracy(logits, labels, 5),
               .loss = mean_cross_entropy(logits, labels),
               .ece = calibration_error(logits, labels),
               .images = n,
               .seconds = predictions.seconds,
               .classes = classes,
               .per_class = std::vector<double>(classes.size()),
               .outputs = outputs,
               .confusion = std::vector<std::map<Index, Index>>(classes.size())};
  std::vector<std::map<Index, Index>> by_output = confusion_matrix(logits, labels);
  for (std::size_t c = 0; c < classes.size(); ++c) {
    e.confusion[c] = std::move(by_output[static_cast<std::size_t>(class_map[c])]);
    double total = 0;
    for (const auto& [output, count] : e.confusion[c]) total += static_cast<double>(count);
    const auto correct = e.confusion[c].find(class_map[c]);
    const double right = correct == e.confusion[c].end() ? 0 : static_cast<double>(correct->second);
    e.per_class[c] = total > 0 ? 100 * right / total : 0;
  }
  return e;
}

nlohmann::ordered_json to_json(const Evaluation& e, Index most) {
  nlohmann::ordered_json per_class = nlohmann::ordered_json::object();
  auto& members = per_class.get_ref<nlohmann::ordered_json::object_t&>();
  // No class comes twice; a look at those before would take quadratic time.
  for (std::size_t c = 0; c < e.classes.size(); ++c) members.emplace_back(e.classes[c], e.per_class[c]);
  nlohmann::ordered_json all = {{"top1", e.top1},       {"top5", e.top5},        {"loss", e.loss},
                                {"ece", e.ece},         {"images", e.images},    {"skipped", e.skipped},
                                {"seconds", e.seconds}, {"per_class", per_class}};
  if (std::ssize(e.classes) * e.outputs > most) return all;
  nlohmann::ordered_json& matrix = all["confusion"] = nlohmann::ordered_json::array();
  for (const std::map<Index, Index>& counts : e.confusion) {
    std::vector<Index> row(static_cast<std::size_t>(e.outputs));
    for (const auto& [output, count] : counts) row[static_cast<std::size_t>(output)] = count;
    matrix.push_back(row);
  }
  return all;
}

}  // namespace training
