#include "tools/training/evaluate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/autograd/record.h"
#include "engine/base/phase.h"
#include "engine/base/stopwatch.h"
#include "tools/training/features.h"
#include "tools/training/next_batch.h"

namespace training {

using engine::Tensor;

namespace {

/// Class scores, labels in the model's classes, and names of a batch of a split.
using TakeBatch = std::function<void(const Tensor& logits, const std::vector<Index>& labels,
                                     const std::vector<std::string>& files)>;

/// Runs the model over a split and gives `take` every batch; the seconds it took.
double run_over(models::Vit& model, std::shared_ptr<const data::Dataset> split,
                const data::Preprocessing& how, const std::vector<Index>& class_map,
                const EvaluateOptions& options, const Events& events, const TakeBatch& take) {
  const engine::NoGrad no_grad;
  const engine::Stopwatch watch;
  data::Loader loader(split, {.preprocessing = how,
                              .batch_size = options.batch_size,
                              .images = !options.known.defined(),
                              .workers = options.workers});
  std::optional<ProgressReport> progress;
  if (!options.part.empty()) progress.emplace(events, options.part, loader.batches(), options.batch_size);
  loader.start(0);
  while (const auto batch = next_batch(loader)) {
    check_stop(events, "while evaluating");
    const engine::PhaseTimer timer(engine::Phase::evaluate);
    const Tensor logits = logits_of(model, *batch, options.known);
    std::vector<Index> labels;
    for (Index label : batch->labels) labels.push_back(class_map[static_cast<std::size_t>(label)]);
    take(logits, labels, batch->names);
    if (progress) progress->advance();
  }
  return watch.seconds();
}

/// Keeps what comes in batches.
class Keeper {
 public:
  Keeper(Predictions& all, Index images, Index classes) : all_(all) {
    all_.logits = Tensor::uninitialized({images, classes});
    to_ = all_.logits.raw();
  }
  void add(const Tensor& logits, const std::vector<Index>& labels, const std::vector<std::string>& files) {
    std::memcpy(to_, logits.raw(), logits.bytes());
    to_ += logits.bytes();
    all_.labels.insert(all_.labels.end(), labels.begin(), labels.end());
    all_.files.insert(all_.files.end(), files.begin(), files.end());
  }

 private:
  Predictions& all_;
  std::byte* to_;
};

}  // namespace

Evaluator::Evaluator(std::vector<std::string> classes, std::vector<Index> class_map, Index outputs)
    : classes_(std::move(classes)), class_map_(std::move(class_map)), metrics_(outputs) {}

void Evaluator::add(const Tensor& logits, std::span<const Index> labels, std::span<const std::string> files) {
  const auto outputs = static_cast<std::size_t>(logits.shape()[1]);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = logits.data<float>().subspan(i * outputs, outputs);
    engine::check(std::ranges::all_of(row, [](float x) { return std::isfinite(x); }), "the logits of",
                  files[i], "are not all finite: the weights are too large for it, or the training diverged");
    metrics_.add(row, labels[i]);
    mistakes_.add(row, labels[i], files[i]);
  }
}

Evaluation Evaluator::result(double seconds) const {
  Evaluation e{.top1 = metrics_.top1(),
               .top5 = metrics_.top5(),
               .loss = metrics_.mean_cross_entropy(),
               .ece = metrics_.calibration_error(),
               .images = metrics_.rows(),
               .seconds = seconds,
               .classes = classes_,
               .per_class = std::vector<std::optional<double>>(classes_.size()),
               .outputs = static_cast<Index>(metrics_.confusion().size()),
               .confusion = std::vector<std::map<Index, Index>>(classes_.size())};
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    e.confusion[c] = metrics_.confusion()[static_cast<std::size_t>(class_map_[c])];
    double total = 0;
    for (const auto& [output, count] : e.confusion[c]) total += static_cast<double>(count);
    const auto correct = e.confusion[c].find(class_map_[c]);
    const double right = correct == e.confusion[c].end() ? 0 : static_cast<double>(correct->second);
    if (total > 0) e.per_class[c] = 100 * right / total;
  }
  return e;
}

Evaluation evaluate_split(models::Vit& model, std::shared_ptr<const data::Dataset> split,
                          const data::Preprocessing& how, Evaluator& evaluator,
                          const std::vector<Index>& class_map, const EvaluateOptions& options,
                          const Events& events, Predictions* kept) {
  std::optional<Keeper> keeper;
  if (kept) keeper.emplace(*kept, split->size(), model.config().classes);
  return evaluator.result(run_over(
      model, split, how, class_map, options, events,
      [&](const Tensor& logits, const std::vector<Index>& labels, const std::vector<std::string>& files) {
        evaluator.add(logits, labels, files);
        if (keeper) keeper->add(logits, labels, files);
      }));
}

Predictions predict_split(models::Vit& model, std::shared_ptr<const data::Dataset> split,
                          const data::Preprocessing& how, const std::vector<Index>& class_map,
                          const EvaluateOptions& options, const Events& events) {
  Predictions all;
  Keeper keeper(all, split->size(), model.config().classes);
  all.seconds = run_over(model, split, how, class_map, options, events,
                         [&](const Tensor& logits, const std::vector<Index>& labels,
                             const std::vector<std::string>& files) { keeper.add(logits, labels, files); });
  return all;
}

Evaluation evaluate(const Predictions& predictions, const std::vector<std::string>& classes,
                    const std::vector<Index>& class_map) {
  Evaluator evaluator(classes, class_map, predictions.logits.shape()[1]);
  evaluator.add(predictions.logits, predictions.labels, predictions.files);
  return evaluator.result(predictions.seconds);
}

nlohmann::ordered_json to_json(const Evaluation& e, Index most) {
  nlohmann::ordered_json per_class = nlohmann::ordered_json::object();
  auto& members = per_class.get_ref<nlohmann::ordered_json::object_t&>();
  // No class comes twice; a look at those before would take quadratic time.
  for (std::size_t c = 0; c < e.classes.size(); ++c)
    members.emplace_back(e.classes[c],
                         e.per_class[c] ? nlohmann::ordered_json(*e.per_class[c]) : nlohmann::ordered_json());
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
