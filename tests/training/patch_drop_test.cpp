#include "tools/training/patch_drop.h"

#include <gtest/gtest.h>

#include "engine/autograd/record.h"
#include "engine/ops/ops.h"
#include "tests/support/compare.h"
#include "tests/training/small_run.h"
#include "tools/training/losses.h"
#include "tools/training/memory_estimate.h"
#include "tools/training/trainer.h"

namespace training {
namespace {

using engine::KeptPatches;

std::vector<Index> places(const KeptPatches& kept, Index image) {
  return {kept.data() + image * kept.count(), kept.data() + (image + 1) * kept.count()};
}

// As max(1, int(n * (1. - p))) gives them in Python.
TEST(PatchDrop, keeps_as_many_as_timm) {
  struct Row {
    Index patches;
    double rate;
    Index kept;
  };
  for (const auto& [patches, rate, kept] :
       {Row{196, 0.5, 98}, Row{196, 0.1, 176}, Row{196, 0.25, 147}, Row{196, 0.75, 49}, Row{196, 0.001, 195},
        Row{49, 0.25, 36}, Row{49, 0.5, 24}, Row{100, 0.9, 9}, Row{10, 0.7, 3}, Row{4, 0.9, 1},
        Row{1, 0.5, 1}, Row{256, 0.999, 1}})
    EXPECT_EQ((PatchDrop{rate}.kept_count(patches)), kept) << patches << " at " << rate;
}

TEST(PatchDrop, keeps_all_at_rate_0) {
  EXPECT_TRUE(PatchDrop{}.kept({0, 1}, 0, 9).all());
}

TEST(PatchDrop, draws_by_seed_epoch_image_and_view_alone) {
  const PatchDrop drop{0.5, 3};
  const KeptPatches kept = drop.kept({7, 2, 5}, 4, 64, 2);
  EXPECT_EQ(kept.images(), 6);
  EXPECT_EQ(kept.count(), 32);
  EXPECT_EQ(kept.patches(), 64);
  const std::vector<Index> first = places(kept, 0);
  EXPECT_EQ(places(drop.kept({5, 1, 0, 7}, 4, 64), 3), first) << "wherever the image is in a batch";
  EXPECT_EQ(places(drop.kept({7}, 4, 64, 2), 1), places(kept, 3)) << "its second view";
  for (Index other = 1; other < 6; ++other) EXPECT_NE(places(kept, other), first) << other;
  EXPECT_NE(places(drop.kept({7}, 5, 64), 0), first) << "in another epoch";
  EXPECT_NE(places(PatchDrop{0.5, 4}.kept({7}, 4, 64), 0), first) << "by another seed";
}

TEST(PatchDrop, keeps_every_patch_equally_often) {
  constexpr Index kImages = 4000, kPatches = 10;
  std::vector<Index> samples(kImages), kept(kPatches, 0);
  for (Index i = 0; i < kImages; ++i) samples[static_cast<std::size_t>(i)] = i;
  const KeptPatches drawn = PatchDrop{0.7, 1}.kept(samples, 0, kPatches);
  for (Index i = 0; i < kImages * 3; ++i) ++kept[static_cast<std::size_t>(drawn.data()[i])];
  for (const Index count : kept) EXPECT_NEAR(static_cast<double>(count), 0.3 * kImages, 5 * 29);
}

/// Runs on a small checkpoint of four patches, whose weights hardly move.
class PatchDropOfARun : public ::testing::Test {
 protected:
  PatchDropOfARun() { config_.patch_drop = 0.5, config_.lr = 1e-30, config_.ema = 0; }

  data::Batch batch(const training::Run& run, Index epoch, Index index,
                    const std::string& augmentation = "none") const {
    const data::Loader loader(run.images, {.preprocessing = run.loaded.preprocessing,
                                           .batch_size = config_.batch_size,
                                           .drop_last = true,
                                           .shuffle = true,
                                           .augmentation = augmentation,
                                           .views = augmentation == "simclr" ? 2 : 1});
    return loader.batch(epoch, index);
  }

  SmallRun small_;
  TrainConfig config_ = small_.config();
  PatchDrop drop_{0.5};
};

TEST_F(PatchDropOfARun, draws_again_in_every_epoch_and_evaluates_with_all_patches) {
  config_.method = "full";
  std::vector<double> losses, evaluated;
  Events events;
  events.on_step = [&](const StepEvent& e) { losses.push_back(e.loss); };
  events.on_eval = [&](const EvalEvent& e) { evaluated.push_back(e.result.loss); };
  training::Run run = open_run(config_, {"train", "val"});
  score_and_select(run, config_);
  Trainer(run, config_, events).train();
  const engine::NoGrad evaluation;
  std::vector<double> expected;
  for (const Index epoch : {0, 1}) {
    for (const Index index : {0, 1}) {
      const data::Batch b = batch(run, epoch, index);
      const engine::Tensor logits = run.loaded.model(b.images, {.patches = drop_.kept(b.samples, epoch, 4)});
      expected.push_back(cross_entropy_loss(logits, b, 0).item());
    }
  }
  EXPECT_EQ(losses, expected);
  EXPECT_EQ(evaluated.back(), evaluate(run, "val", config_).loss);
  TrainConfig all = config_;
  all.patch_drop = 0;
  EXPECT_EQ(evaluate(run, "val", all).loss, evaluated.back());
}

TEST_F(PatchDropOfARun, is_drawn_for_each_image_whatever_the_batches_are) {
  config_.method = "full", config_.epochs = 1;
  const auto loss = [&](Index batch_size, Index accumulated) {
    config_.batch_size = batch_size, config_.grad_accum = accumulated;
    double first = 0;
    Events events;
    events.on_step = [&](const StepEvent& e) { first = e.loss; };
    training::Run run = open_run(config_, {"train", "val"});
    score_and_select(run, config_);
    Trainer(run, config_, events).train();
    return first;
  };
  const double whole = loss(12, 1);
  EXPECT_NEAR(loss(4, 3), whole, 1e-6 * whole);
  EXPECT_NEAR(loss(3, 4), whole, 1e-6 * whole);
}

TEST_F(PatchDropOfARun, is_of_scoring_too_and_each_view_has_its_own) {
  for (const std::string augment : {"simclr", "none"}) {
    SCOPED_TRACE(augment);
    config_.method_options = {{"score-augment", augment}};
    std::vector<double> losses;
    Events events;
    events.on_score = [&](const ScoreEvent& e) { losses.push_back(e.loss); };
    training::Run run = open_run(config_, {"train", "val"});
    data::Batch b = batch(run, 0, 0, augment);
    if (augment == "none") b.images = engine::repeat(b.images, 2);
    std::vector<Index> labels = b.labels;
    labels.insert(labels.end(), b.labels.begin(), b.labels.end());
    const engine::Tensor features =
        run.loaded.model.features(b.images, {.patches = drop_.kept(b.samples, 0, 4, 2)});
    const engine::Tensor loss = engine::sup_con(engine::normalize_rows(features), labels, 0.07);
    score_and_select(run, config_, events);
    EXPECT_EQ(losses.at(0), loss.item());
  }
}

TEST_F(PatchDropOfARun, is_of_scoring_by_cross_entropy_too) {
  config_.method_options = {{"score", "ce"}};
  std::vector<double> losses;
  Events events;
  events.on_score = [&](const ScoreEvent& e) { losses.push_back(e.loss); };
  training::Run run = open_run(config_, {"train", "val"});
  const data::Batch b = batch(run, 0, 0);
  const engine::Tensor logits = run.loaded.model(b.images, {.patches = drop_.kept(b.samples, 0, 4)});
  const double expected = engine::cross_entropy(logits, engine::one_hot(b.labels, 3)).item();
  score_and_select(run, config_, events);
  EXPECT_EQ(losses.at(0), expected);
}

TEST_F(PatchDropOfARun, keeps_fewer_activations) {
  const auto activations = [&](double rate) {
    config_.patch_drop = rate;
    training::Run run = open_run(config_, {"train", "val"});
    return static_cast<double>(estimate_memory(run, config_).activations);
  };
  const double all = activations(0), half = activations(0.5);  // while scoring
  EXPECT_LT(half, all);
  EXPECT_GT(half, 0.3 * all);
}

TEST_F(PatchDropOfARun, leaves_no_features_to_be_known) {
  config_.method = "linear", config_.patch_drop = 0;
  EXPECT_TRUE(config_.knows_features());
  config_.patch_drop = 0.5;
  EXPECT_FALSE(config_.knows_features());
}

}  // namespace
}  // namespace training
