#include "tools/training/scoring_loop.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/base/stopwatch.h"
#include "engine/base/text.h"
#include "engine/ops/ops.h"
#include "tools/training/losses.h"
#include "tools/training/patch_drop.h"
#include "tools/training/peak_memory.h"
#include "tools/training/pretrained/at_image_size.h"

namespace training {

using engine::Tensor;
using peft::Scoring;

namespace {

/// The data that is scored with, by what the method asks for.
ScoringData chosen(const Scoring& scoring, ScoringData data) {
  if (scoring.image_size > 0) data.preprocessing.size = scoring.image_size;
  if (scoring.classes == 0) return data;
  data.images = data::first_classes(data.images, scoring.classes);
  engine::check(data.images->size() >= data.batch_size, "--score-classes", scoring.classes, "leaves",
                data.images->size(), "images to score with, too few for one batch of", data.batch_size);
  return data;
}

data::LoaderOptions loader_options(const Scoring& scoring, const ScoringData& data, bool images = true) {
  const bool contrast = scoring.loss == Scoring::Loss::supcon, two_views = contrast && scoring.augment;
  return {.preprocessing = data.preprocessing,
          .batch_size = data.batch_size,
          .drop_last = true,
          .shuffle = data.shuffle,
          .seed = data.seed,
          .augmentation = two_views  ? "simclr"
                          : contrast ? "none"
                                     : data.augmentation,
          .variants = contrast ? 0 : data.variants,
          .views = two_views ? 2 : 1,
          .images = images,
          .workers = data.workers};
}

/// The losses of a scoring, batch by batch, and what is done after each.
class ScoringLosses {
 public:
  ScoringLosses(models::Vit& model, const Scoring& scoring, const ScoringData& data, const Events& events,
                const ScoringOptions& how)
      : model_(model),
        scoring_(scoring),
        data_(chosen(scoring, data)),
        events_(events),
        how_(how),
        batches_(how_.known ? how_.known->batches : batches_of(scoring, data_)),
        done_(how_.known   ? batches_
              : how_.begun ? how_.begun->batches
                           : 0),
        progress_(events_, "score", batches_ - done_, data.batch_size) {
    engine::check(how_.known || !how_.begun || (done_ > 0 && done_ < batches_), "the saved scores are of",
                  done_, "batches of",
                  std::to_string(batches_) + "; they are of another run: start over with --overwrite");
  }

  Tensor next() {
    if (how_.known) {
      restore_partial_scores({batches_, how_.known->gradients}, engine::parameters(model_));
      return {};
    }
    if (!size_) start();
    if (done_ == batches_) return {};
    const auto batch = loader_->next();
    engine::check(batch.has_value(), "scoring: the images ran out after batch", done_);
    images_ = batch->names;
    last_ = *batch;
    const Tensor loss = again();
    check_batch(std::isfinite(loss.item()), engine::say("the loss of batch", done_, "is", loss.item()));
    events_.on_score({done_++, loss.item()});
    progress_.advance("loss " + engine::fixed(loss.item(), 4));
    return loss;
  }

  Index batches() const { return batches_; }
  static Index batches_of(const Scoring& scoring, const ScoringData& data) {
    const Index all = data::Loader(data.images, loader_options(scoring, data)).batches();
    return scoring.batches == 0 ? all : std::min(scoring.batches, all);
  }

  /// The loss of the last batch with the weights as they are.
  Tensor again() {
    const PatchDrop drop{data_.patch_drop, data_.seed};
    const auto kept = [&](Index views) {
      return drop.kept(last_.samples, 0, model_.config().patches(), views);
    };
    if (scoring_.loss == Scoring::Loss::supcon)
      return contrastive_loss(model_, last_, scoring_.augment, scoring_.temperature, kept(2), activations_);
    return engine::cross_entropy(logits_of(model_, last_, activations_, {.patches = kept(1)}),
                                 engine::one_hot(last_.labels, data_.classes));
  }

  /// After the backward pass of a batch: refuses sums that are not finite, hands them out to be kept when
  /// that is due, and stops when asked to.
  void after_batch(const std::vector<engine::NamedParameter>& targets) {
    for (const auto& [name, parameter] : targets) {
      if (!parameter.grad().defined()) continue;
      check_batch(
          std::ranges::all_of(parameter.grad().data<float>(), [](float g) { return std::isfinite(g); }),
          engine::say("the gradient of", name, "is not finite after batch", done_ - 1));
    }
    if (done_ == batches_) return;
    constexpr double kSeconds = 300;
    const bool due = how_.save_every > 0 ? done_ % how_.save_every == 0 : since_saved_.seconds() > kSeconds;
    const bool stop = events_.stop();
    if (scoring_.resumes && (due || stop)) {
      events_.on_partial_scores({done_, targets});
      since_saved_ = {};
    }
    if (stop)
      throw Stopped(engine::say("after scoring batch", done_ - 1),
                    scoring_.resumes ? Stopped::Kept::state : Stopped::Kept::no_scores);
  }

  /// After all batches: hands out the sums.
  void finish(const std::vector<engine::NamedParameter>& targets) {
    if (how_.known || !how_.keep || !scoring_.more_than_sums.empty()) return;
    WholeScores all{
        .batches = done_, .gradients = {}, .seconds = since_start_.seconds(), .peak_mb = peak_mb()};
    for (const auto& [name, parameter] : targets) all.gradients.emplace_back(name, parameter.grad());
    how_.keep(all);
  }

 private:
  /// When the first loss is asked for: the method has set the forms that its targets are accumulated in.
  void start() {
    size_.emplace(model_, scoring_.image_size);
    if (how_.begun)
      restore_partial_scores(*std::exchange(how_.begun, std::nullopt), engine::parameters(model_));
    activations_ = how_.activations();
    loader_.emplace(data_.images, loader_options(scoring_, data_, !activations_));
    loader_->start(0, done_);
  }

  void check_batch(bool finite, const std::string& complaint) const {
    engine::check(finite, "scoring:", complaint + "; its images are", engine::join(images_, ", "));
  }

  models::Vit& model_;
  Scoring scoring_;
  ScoringData data_;
  Events events_;
  ScoringOptions how_;
  std::optional<data::Loader> loader_;
  const Activations* activations_ = nullptr;
  Index batches_, done_;
  ProgressReport progress_;
  std::optional<AtImageSize> size_;
  data::Batch last_;
  std::vector<std::string> images_;
  engine::Stopwatch since_saved_, since_start_;
};

}  // namespace

peft::NextLoss scoring_losses(models::Vit& model, const Scoring& scoring, const ScoringData& data,
                              const Events& events, const ScoringOptions& how) {
  auto losses = std::make_shared<ScoringLosses>(model, scoring, data, events, how);
  return {[losses] { return losses->next(); }, [losses] { return losses->again(); }, losses->batches(),
          [losses](Index, const std::vector<engine::NamedParameter>& targets) {
            losses->after_batch(targets);
            return false;
          },
          [losses](const std::vector<engine::NamedParameter>& targets) { losses->finish(targets); }};
}

std::string scored_sha256(const Scoring& scoring, const ScoringData& data, Index batches,
                          ImageContents& contents) {
  const ScoringData all = chosen(scoring, data);
  const data::Loader loader(all.images, loader_options(scoring, all));
  const std::vector<Index> order = loader.order(0);
  const Index count = std::min(batches, loader.batches()) * all.batch_size;
  return contents.sha256(*all.images, std::span(order).first(static_cast<std::size_t>(count)));
}

}  // namespace training
