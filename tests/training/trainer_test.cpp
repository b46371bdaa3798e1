#include "tools/training/trainer.h"

#include <gtest/gtest.h>

#include <functional>

#include "engine/autograd/record.h"
#include "tests/training/small_run.h"
#include "tools/training/data_source.h"
#include "tools/training/evaluate.h"
#include "tools/training/memory_estimate.h"

namespace training {
namespace {

using engine::get;

/// Trains and writes the delta, with no one following.
std::string bytes_of_delta(const TrainConfig& config, const std::filesystem::path& delta) {
  Run run = open_run(config, {"train", "val"});
  score_and_select(run, config);
  Trainer(run, config).train();
  write_delta(delta, run, config);
  return get(delta);
}

TEST(Trainer, reports_what_it_does_and_writes_no_file) {
  const SmallRun small;
  const TrainConfig config = small.config();
  const std::vector<std::string> before = small.names();
  std::vector<Index> scored, steps, epochs, evaluated, saved;
  Events events;
  events.on_score = [&](const ScoreEvent& e) { scored.push_back(e.batch); };
  events.on_step = [&](const StepEvent& e) {
    EXPECT_EQ(e.steps, 4);
    EXPECT_GT(e.loss, 0);
    EXPECT_GT(e.lr, 0);
    EXPECT_GT(e.images_per_s, 0);
    steps.push_back(e.step), epochs.push_back(e.epoch);
  };
  events.on_eval = [&](const EvalEvent& e) {
    EXPECT_EQ(e.split, "val");
    EXPECT_EQ(e.result.images, 6);
    evaluated.push_back(e.step);
  };
  events.on_checkpoint = [&](const TrainingState& s) { saved.push_back(s.reached.step); };
  double top1 = -1, loss = -1;
  subscribe(events.on_eval, [&](const EvalEvent& e) { top1 = e.result.top1, loss = e.result.loss; });
  auto run = open_run(config, {"train", "val"}, events);
  score_and_select(run, config, events);
  EXPECT_EQ(scored, (std::vector<Index>{0, 1}));
  Trainer trainer(run, config, events);
  EXPECT_TRUE(steps.empty());
  trainer.train();
  EXPECT_EQ(steps, (std::vector<Index>{0, 1, 2, 3}));
  EXPECT_EQ(epochs, (std::vector<Index>{0, 0, 1, 1}));
  EXPECT_EQ(evaluated, (std::vector<Index>{2, 4}));
  EXPECT_EQ(saved, (std::vector<Index>{2, 4}));
  EXPECT_EQ(small.names(), before);
  const Evaluation again = evaluate(run, "val", config);
  EXPECT_EQ(again.top1, top1) << "the averages, which were evaluated last, are what is left";
  EXPECT_EQ(again.loss, loss);
  write_delta(small / "followed", run, config);
  EXPECT_EQ(get(small / "followed"), bytes_of_delta(config, small / "alone")) << "following changes no bit";
}

TEST(Trainer, reports_progress_from_nothing_to_the_end) {
  const SmallRun small;
  std::vector<std::string> parts;
  Events events;
  events.on_progress = [&](const ProgressEvent& e) {
    parts.push_back(e.part + " " + std::to_string(e.done) + "/" + std::to_string(e.total));
    EXPECT_EQ(e.size, 6);
  };
  auto run = open_run(small.config(), {"train", "val"}, events);
  score_and_select(run, small.config(), events);
  Trainer(run, small.config(), events).train();
  EXPECT_EQ(parts, (std::vector<std::string>{"score 0/2", "score 1/2", "score 2/2", "tune 0/4", "tune 1/4",
                                             "tune 2/4", "tune 3/4", "tune 4/4"}));
}

TEST(Trainer, that_is_stopped_hands_out_a_state_from_which_another_reaches_the_same_bits) {
  const SmallRun small;
  const TrainConfig config = small.config();
  const std::string unbroken = bytes_of_delta(config, small / "unbroken");
  for (const Index stop_after : {1, 2, 3}) {
    SCOPED_TRACE(stop_after);
    Index done = 0;
    Events events;
    events.on_step = [&](const StepEvent&) { ++done; };
    events.on_checkpoint = [&](const TrainingState& state) { write_checkpoint(small / "checkpoint", state); };
    events.stop = [&] { return done == stop_after; };
    {
      auto run = open_run(config, {"train", "val"}, events);
      score_and_select(run, config, events);
      Trainer trainer(run, config, events);
      try {
        trainer.train();
        ADD_FAILURE() << "it went on";
      } catch (const Stopped& stopped) {
        EXPECT_EQ(stopped.where, "after step " + std::to_string(stop_after));
        EXPECT_EQ(stopped.kept, Stopped::Kept::state);
      }
    }
    const Checkpoint checkpoint(small / "checkpoint");
    EXPECT_EQ(checkpoint.state().step, stop_after);
    auto run = open_run(config, {"train", "val"});
    checkpoint.restore(run.loaded.model, *run.method);
    Trainer trainer(run, config);
    trainer.resume(checkpoint);
    trainer.train();
    write_delta(small / "resumed", run, config);
    EXPECT_EQ(get(small / "resumed"), unbroken);
  }
}

/// A state of a finished run, changed before it is written.
void write_changed(const SmallRun& small, const TrainConfig& config,
                   const std::function<void(RunState&)>& change) {
  Events events;
  events.on_checkpoint = [&](const TrainingState& state) {
    RunState reached = state.reached;
    change(reached);
    write_checkpoint(small / "checkpoint", {state.model, state.method, state.optimizer, state.ema, reached});
  };
  auto run = open_run(config, {"train", "val"}, events);
  score_and_select(run, config, events);
  Trainer(run, config, events).train();
}

std::string error_of_resuming(const SmallRun& small, const TrainConfig& config) {
  try {
    const Checkpoint checkpoint(small / "checkpoint");
    auto run = open_run(config, {"train", "val"});
    checkpoint.restore(run.loaded.model, *run.method);
    Trainer trainer(run, config);
    trainer.resume(checkpoint);
    trainer.train();
    return "";
  } catch (const engine::Error& e) {
    return e.what();
  }
}

TEST(Trainer, refuses_a_checkpoint_whose_state_is_not_of_its_run) {
  const SmallRun small;
  TrainConfig config = small.config();
  config.keep = "best";
  write_changed(small, config, [](RunState&) {});
  EXPECT_EQ(error_of_resuming(small, config), "");
  TrainConfig last = config;
  last.keep = "last";
  EXPECT_NE(error_of_resuming(small, last).find("the run keeps the last"), std::string::npos);
  write_changed(small, config, [](RunState& s) { s.step = s.evaluated = 37; });
  const std::string file = (small / "checkpoint").string();
  EXPECT_EQ(error_of_resuming(small, config).find(file + ": the checkpoint is of step 37 of a run of 4"), 0u);
  write_changed(small, config, [](RunState& s) { s.step = -1; });
  EXPECT_NE(error_of_resuming(small, config).find("step -1"), std::string::npos);
  write_changed(small, config, [](RunState& s) { s.best.front().first = "nobody"; });
  EXPECT_EQ(error_of_resuming(small, config).find(file + ": the checkpoint's best weights lack"), 0u);
  write_changed(small, config, [](RunState& s) { s.best.emplace_back("nobody", s.best.front().second); });
  EXPECT_EQ(error_of_resuming(small, config).find(file + ": the checkpoint's best weights hold"), 0u);
}

TEST(MatchClasses, of_a_hundred_thousand_names_finds_each) {
  std::vector<std::string> names;
  for (int i = 0; i < 300'000; ++i) names.push_back(std::to_string(i));
  std::vector<std::string> backwards(names.rbegin(), names.rend());
  const std::vector<Index> map = match_classes(names, backwards, 300'000);  // not by 9e10 comparisons
  EXPECT_EQ(map.front(), 299'999);
  EXPECT_EQ(map.back(), 0);
}

TEST(InferenceMemory, is_estimated_above_what_is_needed_and_below_three_times_that) {
  const SmallRun small;
  TrainConfig config = small.config();
  config.model.image_size = 512;  // 4,096 patches
  auto run = open_run(config, {"val"});
  const auto& sizes = run.loaded.model.config();
  const engine::Tensor images = engine::Tensor::zeros({2, 3, 512, 512});
  const engine::NoGrad no_grad;
  const Growth growth;
  run.loaded.model(images);
  const auto needed = static_cast<double>(growth.most());
  const auto estimated = static_cast<double>(estimate_inference(sizes, 2).activations);
  EXPECT_GT(estimated, 0.8 * needed);
  EXPECT_LT(estimated, 3 * needed);
}

TEST(Trainer, names_the_step_and_the_images_when_it_diverges) {
  const SmallRun small;
  TrainConfig config = small.config();
  config.method = "full", config.optimizer = "sgd", config.lr = 1e30;
  auto run = open_run(config, {"train", "val"});
  score_and_select(run, config);
  try {
    Trainer(run, config).train();
    ADD_FAILURE() << "it went on";
  } catch (const Diverged& e) {
    EXPECT_NE(std::string(e.what()).find(" step "), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("; its images are "), std::string::npos) << e.what();
    EXPECT_TRUE(std::string(e.what()).ends_with(".ppm")) << e.what();
  }
}

TEST(Scoring, that_is_stopped_hands_out_sums_from_which_another_selects_the_same) {
  const SmallRun small;
  TrainConfig config = small.config();
  config.batch_size = 3;
  auto whole = open_run(config, {"train"});
  score_and_select(whole, config);
  write_selection(small / "whole", whole, config);

  Index scored = 0;
  Events events;
  events.on_score = [&](const ScoreEvent&) { ++scored; };
  events.on_partial_scores = [&](const PartialScoresEvent& e) {
    save_partial_scores(small / "scores", "", e.batches, e.parameters);
  };
  events.stop = [&] { return scored == 2; };
  auto stopped = open_run(config, {"train"}, events);
  EXPECT_THROW(score_and_select(stopped, config, events), Stopped);

  const auto begun = read_partial_scores(small / "scores", RunIdentity({}));
  ASSERT_TRUE(begun.has_value());
  EXPECT_EQ(begun->batches, 2);
  auto resumed = open_run(config, {"train"});
  score_and_select(resumed, config, {}, {.begun = begun});
  write_selection(small / "resumed", resumed, config);
  EXPECT_EQ(get(small / "resumed"), get(small / "whole"));
}

TEST(Scoring, refuses_sums_of_more_batches_than_there_are) {
  const SmallRun small;
  for (const Index batches : {Index{2}, Index{3}, std::numeric_limits<Index>::max()}) {
    auto run = open_run(small.config(), {"train"});
    try {
      score_and_select(run, small.config(), {}, {.begun = PartialScores{batches, {}}});
      ADD_FAILURE() << batches;
    } catch (const engine::Error& e) {
      EXPECT_NE(std::string(e.what()).find("batches of 2; they are of another run"), std::string::npos)
          << e.what();
    }
  }
}

}  // namespace
}  // namespace training
