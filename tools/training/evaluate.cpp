#include "tools/training/evaluate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/autograd/record.h"
#include "engine/base/phase.h"
#include "engine/base/stopwatch.h"
#include "tools/cli/console.h"
#include "tools/cli/interrupt.h"
#include "tools/training/features.h"

namespace training {

using engine::Tensor;

namespace {

double percent(double part, double whole) {
  return whole > 0 ? 100 * part / whole : 0;
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

std::optional<data::Batch> next_batch(data::Loader& loader) {
  const engine::PhaseTimer timer(engine::Phase::data);
  return loader.next();
}

Predictions predict_split(models::Vit& model, std::shared_ptr<const data::Dataset> split,
                          const data::Preprocessing& how, const std::vector<Index>& class_map,
                          const EvaluateOptions& options) {
  const engine::NoGrad no_grad;
  const engine::Stopwatch watch;
  data::Loader loader(split, {.preprocessing = how,
                              .batch_size = options.batch_size,
                              .images = options.known.empty(),
                              .workers = options.workers});
  const Index classes = model.config().classes;
  Predictions all{.logits = Tensor::unset({split->size(), classes}), .labels = {}, .files = {}, .seconds = 0};
  std::optional<cli::Progress> progress;
  if (!options.title.empty()) progress.emplace(options.title, loader.batches(), options.batch_size);
  std::byte* to = all.logits.raw();
  loader.start(0);
  while (const auto batch = next_batch(loader)) {
    cli::check_interrupted("while evaluating");
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

std::vector<double> probabilities(std::span<const float> logits) {
  const double top = *std::ranges::max_element(logits);
  std::vector<double> p;
  double total = 0;
  for (float x : logits) total += p.emplace_back(std::exp(x - top));
  for (double& v : p) v /= total;
  return p;
}

Evaluation judge(const Predictions& predictions, const std::vector<std::string>& classes,
                 const std::vector<Index>& class_map) {
  const Index n = predictions.logits.shape()[0], outputs = predictions.logits.shape()[1];
  std::vector<std::size_t> data_class(static_cast<std::size_t>(outputs));
  for (std::size_t i = 0; i < class_map.size(); ++i) data_class[static_cast<std::size_t>(class_map[i])] = i;

  Evaluation e{.images = n,
               .seconds = predictions.seconds,
               .classes = classes,
               .per_class = std::vector<double>(classes.size()),
               .outputs = outputs,
               .confusion = std::vector<std::map<Index, Index>>(classes.size())};
  Calibration calibration;
  double right = 0, among_five = 0;
  for (Index i = 0; i < n; ++i) {
    const auto row = predictions.logits.data<float>().subspan(static_cast<std::size_t>(i * outputs),
                                                              static_cast<std::size_t>(outputs));
    engine::check(std::ranges::all_of(row, [](float x) { return std::isfinite(x); }), "the logits of",
                  predictions.files[static_cast<std::size_t>(i)],
                  "are not all finite: the weights are too large for it, or the training diverged");
    const auto label = static_cast<std::size_t>(predictions.labels[static_cast<std::size_t>(i)]);
    const std::vector<double> p = probabilities(row);
    const auto best = static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
    // Ties go to the lower class, as a stable sort would have it.
    Index better = 0;
    for (std::size_t j = 0; j < row.size(); ++j)
      better += row[j] > row[label] || (row[j] == row[label] && j < label);
    right += best == label;
    among_five += better < 5;
    e.loss -= std::log(std::max(p[label], 1e-300));
    calibration.add(p[best], best == label);
    ++e.confusion[data_class[label]][static_cast<Index>(best)];
  }
  e.top1 = percent(right, static_cast<double>(n));
  e.top5 = percent(among_five, static_cast<double>(n));
  e.loss /= std::max(1.0, static_cast<double>(n));
  e.ece = calibration.error();
  for (std::size_t c = 0; c < classes.size(); ++c) {
    double total = 0;
    for (const auto& [output, count] : e.confusion[c]) total += static_cast<double>(count);
    const auto correct = e.confusion[c].find(class_map[c]);
    e.per_class[c] =
        percent(correct == e.confusion[c].end() ? 0 : static_cast<double>(correct->second), total);
  }
  return e;
}

nlohmann::ordered_json to_json(const Evaluation& e, Index most) {
  nlohmann::ordered_json per_class = nlohmann::ordered_json::object();
  auto& members = per_class.get_ref<nlohmann::ordered_json::object_t&>();
  // No class comes twice; a look at those before would take the square of their number.
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
