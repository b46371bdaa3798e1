#include "tools/training/scoring.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/base/stopwatch.h"
#include "engine/base/text.h"
#include "engine/ops/ops.h"
#include "tools/cli/console.h"
#include "tools/cli/interrupt.h"
#include "tools/training/pretrained/at_image_size.h"

namespace training {

using engine::Tensor;
using peft::Scoring;

namespace {

/// Supervised contrastive loss over two views of a batch. When the views are the same images, one forward
/// pass serves both.
Tensor contrastive_loss(models::Vit& model, const data::Batch& batch, const Scoring& scoring) {
  std::vector<Index> labels = batch.labels;
  labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  Tensor features = engine::normalize_rows(model.features(batch.images));
  if (!scoring.augment) features = engine::repeat(features, 2);
  return engine::sup_con(features, labels, scoring.temperature);
}

/// The data that is scored with, by what the method asks for.
ScoringData chosen(const Scoring& scoring, ScoringData data) {
  if (scoring.image_size > 0) data.preprocessing.size = scoring.image_size;
  if (scoring.classes == 0) return data;
  data.images = data::first_classes(data.images, scoring.classes);
  engine::check(data.images->size() >= data.batch_size, "--score-classes", scoring.classes, "leaves",
                data.images->size(), "images to score with, too few for one batch of", data.batch_size);
  return data;
}

data::LoaderOptions loader_options(const Scoring& scoring, const ScoringData& data) {
  const bool contrast = scoring.loss == Scoring::Loss::supcon, two_views = contrast && scoring.augment;
  return {.preprocessing = data.preprocessing,
          .batch_size = data.batch_size,
          .drop_last = true,
          .shuffle = data.shuffle,
          .seed = data.seed,
          .augmentation = two_views  ? "simclr"
                          : contrast ? "none"
                                     : data.augmentation,
          .views = two_views ? 2 : 1,
          .workers = data.workers};
}

/// Gives out one loss after the other; between two of them the gradients hold the sum so far.
class ScoringLosses {
 public:
  ScoringLosses(models::Vit& model, const Scoring& scoring, const ScoringData& data, ScoringRun run)
      : model_(model),
        scoring_(scoring),
        data_(chosen(scoring, data)),
        run_(std::move(run)),
        loader_(data_.images, loader_options(scoring, data_)),
        batches_(scoring.batches == 0 ? loader_.batches() : std::min(scoring.batches, loader_.batches())),
        done_(run_.begun ? run_.begun->batches : 0),
        progress_("score", batches_ - done_, data.batch_size) {}

  Tensor next() {
    started_ ? look_back() : start();
    if (done_ == batches_) return {};
    const auto batch = loader_.next();
    engine::check(batch.has_value(), "scoring: the images ran out after batch", done_);
    images_ = batch->names;
    last_ = *batch;
    const Tensor loss = again();
    check_finite(std::isfinite(loss.item()), engine::say("the loss of batch", done_, "is", loss.item()));
    run_.on_loss(done_++, loss.item());
    progress_.advance("loss " + engine::fixed(loss.item(), 4));
    return loss;
  }

  Index batches() const { return batches_; }

  /// The loss of the last batch with the weights as they are.
  Tensor again() {
    return scoring_.loss == Scoring::Loss::supcon
               ? contrastive_loss(model_, last_, scoring_)
               : engine::cross_entropy(model_(last_.images), engine::one_hot(last_.labels, data_.classes));
  }

 private:
  void start() {
    started_ = true;
    size_.emplace(model_, scoring_.image_size);
    parameters_ = engine::parameters(model_);
    if (run_.begun) restore_partial_scores(*std::exchange(run_.begun, std::nullopt), parameters_);
    loader_.start(0, done_);
  }

  /// After the backward pass of a batch.
  void look_back() {
    for (const auto& [name, parameter] : parameters_) {
      if (parameter.grad().empty()) continue;
      check_finite(
          std::ranges::all_of(parameter.grad().data<float>(), [](float g) { return std::isfinite(g); }),
          engine::say("the gradient of", name, "is not finite after batch", done_ - 1));
    }
    if (done_ == batches_ || run_.partial.empty()) return;
    constexpr double kSeconds = 300;
    const bool kept = scoring_.resumes;
    const bool due = run_.save_every > 0 ? done_ % run_.save_every == 0 : since_saved_.seconds() > kSeconds;
    if (kept && (due || cli::noted_signal() != 0)) {
      run_.before_saving();
      save_partial_scores(run_.partial, run_.config, done_, parameters_);
      since_saved_ = {};
    }
    cli::check_interrupted(engine::say("after scoring batch", done_ - 1) +
                           (kept ? "; --resume goes on from there" : "; --resume begins the scoring anew"));
  }

  void check_finite(bool finite, const std::string& complaint) const {
    engine::check(finite, "scoring:", complaint + "; its images are", engine::join(images_, ", "));
  }

  models::Vit& model_;
  Scoring scoring_;
  ScoringData data_;
  ScoringRun run_;
  data::Loader loader_;
  Index batches_, done_;
  cli::Progress progress_;
  bool started_ = false;
  std::optional<AtImageSize> size_;
  std::vector<engine::NamedParameter> parameters_;
  data::Batch last_;
  std::vector<std::string> images_;
  engine::Stopwatch since_saved_;
};

}  // namespace

peft::NextLoss scoring_losses(models::Vit& model, const Scoring& scoring, const ScoringData& data,
                              ScoringRun run) {
  auto losses = std::make_shared<ScoringLosses>(model, scoring, data, std::move(run));
  return {[losses] { return losses->next(); }, [losses] { return losses->again(); }, losses->batches()};
}

}  // namespace training
