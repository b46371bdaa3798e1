#include <gtest/gtest.h>

#include "data/loader.h"
#include "engine/autograd/backward.h"
#include "engine/kernels/parallel.h"
#include "engine/ops/ops.h"
#include "tests/training/small_run.h"
#include "tools/training/losses.h"
#include "tools/training/trainer.h"

namespace training {
namespace {

using engine::get;
using engine::Tensor;

/// 30 images in 7 batches of 4, which make a step of 4 batches and one of 3.
class GradAccum : public ::testing::Test {
 protected:
  GradAccum() {
    config_.method = "full";
    config_.batch_size = 4, config_.grad_accum = 4;
    config_.ema = 0;
    config_.warmup_epochs = 0.5;
  }

  std::string delta_of(training::Run& run) const {
    write_delta(small_ / "delta", run, config_);
    return get(small_ / "delta");
  }

  std::string trained(const Events& events = {}) const {
    auto run = open_run(config_, {"train", "val"});
    score_and_select(run, config_);
    Trainer(run, config_, events).train();
    return delta_of(run);
  }

  SmallRun small_{10};
  TrainConfig config_ = small_.config();
};

TEST_F(GradAccum, of_a_short_last_step_is_the_mean_of_the_batches_it_has) {
  auto run = open_run(config_, {"train", "val"});
  score_and_select(run, config_);
  data::Loader loader(run.images, {.preprocessing = run.loaded.preprocessing,
                                   .batch_size = 4,
                                   .drop_last = true,
                                   .shuffle = true,
                                   .seed = 0});
  const auto parameters = engine::parameters(run.loaded.model);
  const auto optimizer = config_.make_optimizer(parameters);
  const engine::Schedule schedule{
      .kind = engine::Schedule::Kind::cosine, .lr = config_.lr, .min_lr = 0, .warmup = 1, .steps = 4};
  std::vector<double> losses;
  const auto step = [&](Index epoch, Index first, Index end) {
    double mean = 0;
    for (Index batch = first; batch < end; ++batch) {
      const data::Batch b = loader.batch(epoch, batch);
      const Tensor loss = cross_entropy_loss(run.loaded.model(b.images), b, 0);
      mean += loss.item() / static_cast<double>(end - first);
      engine::backward(engine::scale(loss, 1.0 / static_cast<double>(end - first)));
    }
    optimizer->step(schedule.at(static_cast<Index>(losses.size())));
    losses.push_back(mean);
  };
  for (const Index epoch : {0, 1}) step(epoch, 0, 4), step(epoch, 4, 7);

  for (const int threads : {1, 2, 3}) {
    SCOPED_TRACE(threads);
    config_.model.threads = threads, config_.workers = threads - 1;
    std::vector<double> of_steps;
    std::vector<Index> epochs;
    Events events;
    events.on_step = [&](const StepEvent& e) {
      EXPECT_EQ(e.steps, 4);
      of_steps.push_back(e.loss), epochs.push_back(e.epoch);
    };
    EXPECT_EQ(trained(events), delta_of(run));
    EXPECT_EQ(of_steps, losses);
    EXPECT_EQ(epochs, (std::vector<Index>{0, 0, 1, 1}));
  }
  engine::kernels::set_threads(1);
}

TEST_F(GradAccum, goes_on_from_every_step_to_the_same_bits) {
  config_.epochs = 3, config_.save_every = 1, config_.ema = 0.5, config_.drop_path = 0.3;
  config_.augment = "flip";
  const std::string straight = trained();
  for (const Index stop_after : {1, 2, 3, 4, 5}) {
    SCOPED_TRACE(stop_after);
    Index done = 0;
    Events events;
    events.on_step = [&](const StepEvent&) { ++done; };
    events.on_checkpoint = [&](const TrainingState& state) {
      write_checkpoint(small_ / "checkpoint", state);
    };
    events.stop = [&] { return done == stop_after; };
    EXPECT_THROW(trained(events), Stopped);
    const Checkpoint checkpoint(small_ / "checkpoint");
    EXPECT_EQ(checkpoint.state().step, stop_after);
    auto run = open_run(config_, {"train", "val"});
    checkpoint.restore(run.loaded.model, *run.method);
    Trainer trainer(run, config_);
    trainer.resume(checkpoint);
    trainer.train();
    EXPECT_EQ(delta_of(run), straight);
  }
}

TEST_F(GradAccum, of_more_batches_than_an_epoch_has_is_one_step_of_them_all) {
  config_.drop_path = 0.3;
  config_.grad_accum = 7;
  std::vector<Index> steps;
  Events events;
  events.on_step = [&](const StepEvent& e) { steps.push_back(e.step); };
  const std::string all = trained(events);
  EXPECT_EQ(steps, (std::vector<Index>{0, 1}));
  for (const Index more : {Index{8}, Index{1'000'000'000}}) {
    config_.grad_accum = more;
    EXPECT_EQ(trained(), all) << more;
  }
}

TEST_F(GradAccum, counts_the_short_step_where_a_run_gets_longer) {
  config_.schedule = "constant", config_.warmup_epochs = 0;
  const auto why = [&](Index steps_before) {
    const auto run = open_run(config_, {"train", "val"});
    return why_not_longer(run, config_, {{"epochs", 10}, {"steps", steps_before}});
  };
  config_.epochs = 2;
  EXPECT_EQ(why(4), "");
  EXPECT_NE(why(5).find("than its 5 steps, but not shorter"), std::string::npos) << why(5);
  config_.keep = "best";
  EXPECT_EQ(why(2), "");
  EXPECT_NE(why(3), "") << "evaluated at its end only because it was the end";
}

TEST(EpochSteps, have_every_batch_once) {
  for (Index batches = 1; batches < 12; ++batches) {
    for (Index accumulated = 1; accumulated < 14; ++accumulated) {
      const EpochSteps epoch(batches, accumulated);
      Index next = 0;
      for (Index step = 3 * epoch.count(); step < 4 * epoch.count(); ++step) {
        EXPECT_EQ(epoch.epoch_of(step), 3);
        EXPECT_EQ(epoch.first_batch(step), next);
        EXPECT_GT(epoch.batches_of(step), 0);
        EXPECT_LE(epoch.batches_of(step), accumulated);
        next += epoch.batches_of(step);
      }
      EXPECT_EQ(next, batches);
    }
  }
  EXPECT_THROW(EpochSteps(0, 1), engine::Error);
}

}  // namespace
}  // namespace training
