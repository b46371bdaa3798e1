#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "data/loader.h"
#include "models/vit.h"
#include "peft/selection/score.h"
#include "tools/training/events.h"
#include "tools/training/image_contents.h"
#include "tools/training/partial_scores.h"
#include "tools/training/prefix/activations.h"

namespace training {

/// The batches a method is scored with.
struct ScoringData {
  std::shared_ptr<const data::Dataset> images;
  data::Preprocessing preprocessing;
  Index batch_size = 32;
  std::uint64_t seed = 0;
  int workers = 2;
  bool shuffle = true;
  std::string augmentation = "none";  ///< of the training; cross entropy is scored with it
  Index variants = 0;                 ///< of the training
  double patch_drop = 0;              ///< of the training; each view leaves out patches of its own
  Index classes = 0;
};

/// What a whole scoring has left: all that the choice is made of, where Scoring::more_than_sums is empty.
struct WholeScores {
  Index batches = 0;                ///< that are in the sums
  engine::NamedTensors gradients;   ///< accumulated, of every scored parameter
  double seconds = 0, peak_mb = 0;  ///< what it took; 0: unknown
};

/// How a scoring is carried out.
struct ScoringOptions {
  Index save_every = 0;  ///< batches from one Events::on_partial_scores to the next; 0: some minutes
  std::optional<PartialScores> begun = {};  ///< what an interrupted scoring has left
  std::optional<WholeScores> known = {};    ///< of an earlier scoring; no image is scored then
  /// Called at the end of a scoring, with sums that are gone afterwards.
  std::function<void(const WholeScores&)> keep = {};
  /// Asked when the first loss is: what is known of the images below all that is scored; nullptr for nothing.
  std::function<const Activations*()> activations = [] { return nullptr; };
};

/// The scoring losses of one pass over the images, batch by batch in the order of training's first epoch:
/// the supervised contrastive loss of normalised class tokens on two views stacked as one batch, or cross
/// entropy. The model must outlive the result. A loss or a gradient that is not finite throws an Error that
/// names the tensor, the batch and its images. After every batch Events::stop is asked; then the sums are
/// handed to on_partial_scores and Stopped is thrown. With known scores there is no loss: the parameters that
/// accumulate get the sums.
peft::NextLoss scoring_losses(models::Vit& model, const peft::Scoring& scoring, const ScoringData& data,
                              const Events& events = {}, const ScoringOptions& how = {});

/// SHA-256 over the names and contents of the images in the first `batches` batches of that scoring, in
/// order.
std::string scored_sha256(const peft::Scoring& scoring, const ScoringData& data, Index batches,
                          ImageContents& contents);

}  // namespace training
