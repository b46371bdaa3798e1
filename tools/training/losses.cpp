#include "tools/training/losses.h"

#include "engine/ops/ops.h"

namespace training {

using engine::Index;
using engine::Tensor;

namespace {

Tensor targets_of(const data::Batch& batch, Index classes, double smoothing) {
  if (!batch.targets.defined()) return engine::one_hot(batch.labels, classes, smoothing);
  Tensor targets = batch.targets.clone();
  for (float& t : targets.data<float>()) {
    t = static_cast<float>((1 - smoothing) * t + smoothing / static_cast<double>(classes));
  }
  return targets;
}

}  // namespace

Tensor cross_entropy_loss(const Tensor& logits, const data::Batch& batch, double smoothing) {
  return engine::cross_entropy(logits, targets_of(batch, logits.shape()[1], smoothing));
}

Tensor contrastive_loss(models::Vit& model, const data::Batch& batch, bool two_views, double temperature) {
  std::vector<Index> labels = batch.labels;
  labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  Tensor features = engine::normalize_rows(model.features(batch.images));
  if (!two_views) features = engine::repeat(features, 2);
  return engine::sup_con(features, labels, temperature);
}

}  // namespace training
