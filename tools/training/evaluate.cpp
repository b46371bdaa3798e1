#include "tools/training/evaluate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/autograd/record.h"
#include "engine/base/phase.h"
#include "engine/base/stopwatch.h"
#include "tools/training/next_batch.h"

namespace training {

using engine::Tensor;

namespace {

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

/// Of a class: how often its images were taken for which of the model's, which of these it is, and how often
/// any image was taken for which.
ClassFigures figures_of(const std::map<Index, Index>& confusion, Index output,
                        const std::map<Index, Index>& taken) {
  const auto at = [&](const std::map<Index, Index>& counts) {
    const auto found = counts.find(output);
    return found == counts.end() ? 0.0 : static_cast<double>(found->second);
  };
  ClassFigures of;
  for (const auto& [other, count] : confusion) of.support += count;
  const double right = at(confusion);
  if (right == 0) return of;
  of.precision = 100 * right / at(taken);
  of.recall = 100 * right / static_cast<double>(of.support);
  of.f1 = 2 * of.precision * of.recall / (of.precision + of.recall);
  return of;
}

}  // namespace

double run_over(models::Vit& model, std::shared_ptr<const data::Dataset> split,
                const data::Preprocessing& how, const std::vector<Index>& class_map,
                const EvaluateOptions& options, const Events& events, const TakeBatch& take,
                Predictions* kept) {
  const engine::NoGrad no_grad;
  const engine::Stopwatch watch;
  data::Loader loader(split, {.preprocessing = how,
                              .batch_size = options.batch_size,
                              .images = !options.known,
                              .workers = options.workers});
  std::optional<Keeper> keeper;
  if (kept) keeper.emplace(*kept, split->size(), model.config().classes);
  std::optional<ProgressReport> progress;
  if (!options.part.empty()) progress.emplace(events, options.part, loader.batches(), options.batch_size);
  loader.start(0);
  while (const auto batch = next_batch(loader)) {
    check_stop(events, "while evaluating");
    const engine::PhaseTimer timer(engine::Phase::evaluate);
    const Tensor logits = logits_of(model, *batch, options.known.get());
    std::vector<Index> labels;
    for (Index label : batch->labels) labels.push_back(class_map[static_cast<std::size_t>(label)]);
    take(logits, labels, batch->names);
    if (keeper) keeper->add(logits, labels, batch->names);
    if (progress) progress->advance();
  }
  return watch.seconds();
}

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
               .per_class = std::vector<ClassFigures>(classes_.size()),
               .outputs = static_cast<Index>(metrics_.confusion().size()),
               .confusion = std::vector<std::map<Index, Index>>(classes_.size())};
  std::map<Index, Index> taken;  // for which of the model's classes how many images
  for (const auto& counts : metrics_.confusion())
    for (const auto& [output, count] : counts) taken[output] += count;
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    e.confusion[c] = metrics_.confusion()[static_cast<std::size_t>(class_map_[c])];
    e.per_class[c] = figures_of(e.confusion[c], class_map_[c], taken);
  }
  return e;
}

namespace {

/// The sum over classes with images of their figures times `weight`, which is the share of each.
template <class F>
ClassFigures mean(const Evaluation& e, F weight) {
  ClassFigures all;
  for (const ClassFigures& one : e.per_class) {
    if (one.support == 0) continue;
    const double share = weight(one);
    all.precision += share * one.precision, all.recall += share * one.recall, all.f1 += share * one.f1;
    all.support += one.support;
  }
  return all;
}

}  // namespace

ClassFigures macro_mean(const Evaluation& e) {
  const auto classes = std::ranges::count_if(e.per_class, [](const auto& one) { return one.support > 0; });
  return mean(e, [&](const ClassFigures&) { return 1 / static_cast<double>(classes); });
}

ClassFigures weighted_mean(const Evaluation& e) {
  return mean(e, [&](const ClassFigures& one) {
    return static_cast<double>(one.support) / static_cast<double>(e.images);
  });
}

Evaluation evaluate_split(models::Vit& model, std::shared_ptr<const data::Dataset> split,
                          const data::Preprocessing& how, Evaluator& evaluator,
                          const std::vector<Index>& class_map, const EvaluateOptions& options,
                          const Events& events, Predictions* kept, const TakeBatch& also) {
  return evaluator.result(run_over(
      model, split, how, class_map, options, events,
      [&](const Tensor& logits, const std::vector<Index>& labels, const std::vector<std::string>& files) {
        evaluator.add(logits, labels, files);
        if (also) also(logits, labels, files);
      },
      kept));
}

Predictions predict_split(models::Vit& model, std::shared_ptr<const data::Dataset> split,
                          const data::Preprocessing& how, const std::vector<Index>& class_map,
                          const EvaluateOptions& options, const Events& events) {
  Predictions all;
  all.seconds = run_over(
      model, split, how, class_map, options, events,
      [](const Tensor&, const std::vector<Index>&, const std::vector<std::string>&) {}, &all);
  return all;
}

Evaluation evaluate(const Predictions& predictions, const std::vector<std::string>& classes,
                    const std::vector<Index>& class_map) {
  Evaluator evaluator(classes, class_map, predictions.logits.shape()[1]);
  evaluator.add(predictions.logits, predictions.labels, predictions.files);
  return evaluator.result(predictions.seconds);
}

namespace {

using nlohmann::ordered_json;

/// Null for figures that say nothing.
ordered_json figures_json(const ClassFigures& of) {
  const auto figure = [&](double value) { return of.support > 0 ? ordered_json(value) : ordered_json(); };
  return {{"precision", figure(of.precision)},
          {"recall", figure(of.recall)},
          {"f1", figure(of.f1)},
          {"support", of.support}};
}

/// An object with a member for every class of the data.
template <class F>
ordered_json by_class(const Evaluation& e, F value) {
  ordered_json all = ordered_json::object();
  auto& members = all.get_ref<ordered_json::object_t&>();
  // No class comes twice; a look at those before would take quadratic time.
  for (std::size_t c = 0; c < e.classes.size(); ++c)
    members.emplace_back(e.classes[c], value(e.per_class[c]));
  return all;
}

}  // namespace

ordered_json to_json(const Evaluation& e, Index most) {
  ordered_json all = {{"top1", e.top1},     {"top5", e.top5},       {"loss", e.loss},      {"ece", e.ece},
                      {"images", e.images}, {"skipped", e.skipped}, {"seconds", e.seconds}};
  all["per_class"] = by_class(e, [](const ClassFigures& of) { return figures_json(of)["recall"]; });
  all["report"] = by_class(e, figures_json);
  all["macro"] = figures_json(macro_mean(e));
  all["weighted"] = figures_json(weighted_mean(e));
  if (std::ssize(e.classes) * e.outputs > most) return all;
  ordered_json& matrix = all["confusion"] = ordered_json::array();
  for (const std::map<Index, Index>& counts : e.confusion) {
    std::vector<Index> row(static_cast<std::size_t>(e.outputs));
    for (const auto& [output, count] : counts) row[static_cast<std::size_t>(output)] = count;
    matrix.push_back(row);
  }
  return all;
}

}  // namespace training
