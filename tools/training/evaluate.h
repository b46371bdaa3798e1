#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/transforms.h"
#include "models/vit.h"
#include "tools/training/events.h"
#include "tools/training/metrics.h"
#include "tools/training/mistakes.h"
#include "tools/training/prefix/activations.h"

namespace training {

/// Figures of one class, or means of several, in percent: of the images taken for it the share that is of it,
/// of its images the share that is taken for it, and the harmonic mean of both. 0 where nothing is right.
struct ClassFigures {
  double precision = 0, recall = 0, f1 = 0;
  Index support = 0;  ///< images

  bool operator==(const ClassFigures&) const = default;
};

/// How well a model does on a split.
struct Evaluation {
  double top1 = 0, top5 = 0;      ///< percent
  double loss = 0;                ///< mean cross entropy
  double ece = 0;                 ///< see calibration_error()
  Index images = 0, skipped = 0;  ///< images evaluated, and those left out by --on-bad-image skip
  double seconds = 0;
  std::vector<std::string> classes;     ///< of the data
  std::vector<ClassFigures> per_class;  ///< of each of them; they say nothing where there are no images
  Index outputs = 0;                    ///< classes of the model
  /// For every class of the data, how often its images were predicted as which class of the model.
  std::vector<std::map<Index, Index>> confusion;
};

/// The most cells (classes of the data times those of the model) of a confusion matrix in a run's files, some
/// 11 MB of text, and of one that is printed.
constexpr Index kMostConfusion = 1000 * 1000, kMostPrinted = 4000 * 4000;
/// The most values of a result.json: two such matrices and what else there is.
constexpr std::size_t kMaxResultValues = 2 * kMostConfusion + 3'000'000;

/// The mean of the figures of all classes that have images: each counts alike, or by its images.
ClassFigures macro_mean(const Evaluation& evaluation);
ClassFigures weighted_mean(const Evaluation& evaluation);

struct EvaluateOptions {
  Index batch_size = 32;
  int workers = 2;
  std::string part = {};                          ///< what its progress is reported as; empty for not at all
  std::shared_ptr<const Activations> known = {};  ///< of the split's images, which are then not read
};

/// The figures of predictions that arrive batch by batch, and the worst mistakes among them.
class Evaluator {
 public:
  /// `classes` are the data's; `class_map` gives the model's class of every one of them, of `outputs`.
  Evaluator(std::vector<std::string> classes, std::vector<Index> class_map, Index outputs);
  /// Class scores [n, outputs], with labels in the model's classes. Throws an Error naming the first image
  /// whose scores are not all finite.
  void add(const engine::Tensor& logits, std::span<const Index> labels, std::span<const std::string> files);
  Evaluation result(double seconds) const;
  const MistakesSoFar& mistakes() const { return mistakes_; }

 private:
  std::vector<std::string> classes_;
  std::vector<Index> class_map_;
  Metrics metrics_;
  MistakesSoFar mistakes_;
};

/// Takes class scores, labels in the model's classes, and names of a batch of a split.
using TakeBatch = std::function<void(const engine::Tensor& logits, const std::vector<Index>& labels,
                                     const std::vector<std::string>& files)>;

/// Runs the model over a whole split in its order and gives `take` every batch; the seconds it took. No more
/// than a batch of scores is in memory, unless they are `kept`. `class_map` gives the label of each class of
/// the data. Events::stop is asked before every batch.
double run_over(models::Vit& model, std::shared_ptr<const data::Dataset> split,
                const data::Preprocessing& how, const std::vector<Index>& class_map,
                const EvaluateOptions& options, const Events& events, const TakeBatch& take,
                Predictions* kept = nullptr);

/// The same with the figures as the result; `also` gets the batches that were taken in.
Evaluation evaluate_split(models::Vit& model, std::shared_ptr<const data::Dataset> split,
                          const data::Preprocessing& how, Evaluator& evaluator,
                          const std::vector<Index>& class_map, const EvaluateOptions& options,
                          const Events& events = {}, Predictions* kept = nullptr, const TakeBatch& also = {});

/// The class scores alone, all in memory.
Predictions predict_split(models::Vit& model, std::shared_ptr<const data::Dataset> split,
                          const data::Preprocessing& how, const std::vector<Index>& class_map,
                          const EvaluateOptions& options, const Events& events = {});

/// The metrics of predictions; `classes` are the data's. Throws an Error naming the first image whose scores
/// are not all finite.
Evaluation evaluate(const Predictions& predictions, const std::vector<std::string>& classes,
                    const std::vector<Index>& class_map);

/// The fields of `eval --json`; `confusion`, as a matrix, only up to `most` cells.
nlohmann::ordered_json to_json(const Evaluation& evaluation, Index most = kMostConfusion);

}  // namespace training
