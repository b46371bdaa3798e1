#include "tools/training/losses.h"

#include <cmath>
#include <limits>

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

/// Multiplies targets by the weights of their classes, scaled so that the mean over rows divides as it
/// should.
void weigh(Tensor& targets, const data::Batch& batch, std::span<const double> weights) {
  double scale = 1;  // soft targets: the mean over n
  if (!batch.targets.defined()) {
    double sum = 0;
    for (const Index label : batch.labels) sum += weights[static_cast<std::size_t>(label)];
    scale = static_cast<double>(batch.labels.size()) / sum;
  }
  const auto values = targets.data<float>();
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(values[i] * weights[i % weights.size()] * scale);
}

/// True when rows of length 1 are all the same but for what rounding has made of them: no value differs among
/// the rows by more than some eps.
bool are_alike(const Tensor& rows) {
  return engine::visit(rows.dtype(), [&]<class T>() {
    const T most = 64 * std::numeric_limits<T>::epsilon();
    const auto values = rows.data<T>();
    const auto columns = static_cast<std::size_t>(rows.shape().columns());
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!(std::abs(values[i] - values[i % columns]) <= most)) return false;
    return true;
  });
}

}  // namespace

Tensor cross_entropy_loss(const Tensor& logits, const data::Batch& batch, double smoothing,
                          std::span<const double> weights) {
  Tensor targets = targets_of(batch, logits.shape()[1], smoothing);
  if (!weights.empty()) weigh(targets, batch, weights);
  return engine::cross_entropy(logits, targets);
}

std::vector<double> balanced_weights(const data::Dataset& images, const std::vector<std::string>& classes) {
  std::vector<double> weights(classes.size());
  for (Index i = 0; i < images.size(); ++i) weights[static_cast<std::size_t>(images.label(i))] += 1;
  const double share = static_cast<double>(images.size()) / static_cast<double>(classes.size());
  for (std::size_t c = 0; c < classes.size(); ++c) {
    engine::check(weights[c] > 0, "--class-weights balanced: class", classes[c], "has no image to train on");
    weights[c] = share / weights[c];
  }
  return weights;
}

Tensor contrastive_loss(models::Vit& model, const data::Batch& batch, bool two_views, double temperature,
                        const engine::KeptPatches& kept, const Activations* known) {
  std::vector<Index> labels = batch.labels;
  labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  const bool one_pass = !two_views && kept.all();
  const Tensor pooled = two_views || one_pass
                            ? pooled_of(model, batch, known, {.patches = kept})
                            : model.pooled(engine::repeat(batch.images, 2), {.patches = kept});
  Tensor features = engine::normalize_rows(models::Vit::features_of(pooled));
  // Their gradient is zero; what would be computed of it is rounding.
  if (are_alike(features)) features = engine::scale(features, 0);
  if (one_pass) features = engine::repeat(features, 2);
  return engine::sup_con(features, labels, temperature);
}

}  // namespace training
