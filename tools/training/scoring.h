#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "data/loader.h"
#include "models/vit.h"
#include "peft/selection/score.h"
#include "tools/training/partial_scores.h"

namespace training {

using engine::Index;

/// The batches a method is scored with.
struct ScoringData {
  std::shared_ptr<const data::Dataset> images;
  data::Preprocessing preprocessing;
  Index batch_size = 32;
  std::uint64_t seed = 0;
  int workers = 2;
  bool shuffle = true;
  std::string augmentation = "none";  ///< of the training; cross entropy is scored with it
  Index classes = 0;
};

/// Who follows a scoring.
struct ScoringRun {
  std::function<void(Index batch, double loss)> on_loss = [](Index, double) {};  ///< is told every loss
  std::filesystem::path partial = {};           ///< where the sums are kept now and then; nowhere when empty
  std::string config = {};                      ///< of the run, for that file
  std::function<void()> before_saving = [] {};  ///< makes safe what must not be older than that file
  Index save_every = 0;                         ///< batches between two savings; 0: some minutes
  std::optional<PartialScores> begun = {};      ///< what an interrupted scoring has left
};

/// The scoring losses of one pass over the images, batch by batch in the order of training's first epoch:
/// the supervised contrastive loss of normalised class tokens on two views stacked as one batch, or cross
/// entropy. The model must outlive the result. A loss or a gradient that is not finite throws an Error that
/// names the tensor, the batch and its images. After a noted signal the sums are saved and Interrupted is
/// thrown.
peft::NextLoss scoring_losses(models::Vit& model, const peft::Scoring& scoring, const ScoringData& data,
                              ScoringRun run);

}  // namespace training
