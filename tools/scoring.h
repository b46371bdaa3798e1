#pragma once

#include <functional>

#include "data/loader.h"
#include "models/vit.h"
#include "peft/score.h"

namespace tools {

using engine::Index;

/// The batches a method is scored with.
struct ScoringData {
  std::shared_ptr<const data::Dataset> pictures;
  data::Preprocessing preprocessing;
  Index batch_size = 32;
  std::uint64_t seed = 0;
  int workers = 2;
  bool shuffle = true;
  std::string augmentation = "none";  ///< of the training; cross entropy is scored with it
  Index classes = 0;
};

/// The scoring losses of one pass over the pictures, batch by batch in the order of training's first epoch:
/// the supervised contrastive loss of normalised class tokens on two views stacked as one batch, or cross
/// entropy. `on_loss(batch, loss)` is told every loss. The model must outlive the result. A loss that is not
/// finite throws an Error that names the batch and its pictures.
peft::NextLoss scoring_losses(models::Vit& model, const peft::Scoring& scoring, const ScoringData& data,
                              const std::function<void(Index batch, double loss)>& on_loss);

}  // namespace tools
