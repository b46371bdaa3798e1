#include "tools/scoring.h"

#include <cmath>
#include <optional>

#include "engine/base/text.h"
#include "engine/ops/ops.h"
#include "tools/console.h"

namespace tools {

using engine::Tensor;
using peft::Scoring;

namespace {

/// Supervised contrastive loss over two views of a batch. When the views are the same pictures, one forward
/// pass serves both.
Tensor contrastive_loss(models::Vit& model, const data::Batch& batch, const Scoring& scoring) {
  std::vector<Index> labels = batch.labels;
  labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  Tensor features = engine::normalize_rows(model.features(batch.images));
  if (!scoring.augment) features = engine::repeat(features, 2);
  return engine::sup_con(features, labels, scoring.temperature);
}

}  // namespace

peft::NextLoss scoring_losses(models::Vit& model, const Scoring& scoring, const ScoringData& data,
                              const std::function<void(Index, double)>& on_loss) {
  const bool contrast = scoring.loss == Scoring::Loss::supcon, two_views = contrast && scoring.augment;
  auto loader = std::make_shared<data::Loader>(
      data.pictures, data::LoaderOptions{.preprocessing = data.preprocessing,
                                         .batch_size = data.batch_size,
                                         .drop_last = true,
                                         .shuffle = data.shuffle,
                                         .seed = data.seed,
                                         .augmentation = two_views  ? "simclr"
                                                         : contrast ? "none"
                                                                    : data.augmentation,
                                         .views = two_views ? 2 : 1,
                                         .workers = data.workers});
  const Index batches =
      scoring.batches == 0 ? loader->batches() : std::min(scoring.batches, loader->batches());
  auto progress = std::make_shared<Progress>("score", batches, data.batch_size);
  loader->start(0);
  return [=, &model, done = Index{0}]() mutable -> Tensor {
    const auto batch = done < batches ? loader->next() : std::nullopt;
    if (!batch) return {};
    const Tensor loss =
        contrast ? contrastive_loss(model, *batch, scoring)
                 : engine::cross_entropy(model(batch->images), engine::one_hot(batch->labels, data.classes));
    engine::check(std::isfinite(loss.item()), "scoring: the loss of batch", done, "is",
                  engine::say(loss.item()) + "; its pictures are", engine::join(batch->names, ", "));
    on_loss(done++, loss.item());
    progress->advance("loss " + fixed(loss.item(), 4));
    return loss;
  };
}

}  // namespace tools
