// --freeze-blocks and --select-blocks on a whole run: what is scored, and the delta that comes of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/training/small_run.h"
#include "tools/training/depth.h"
#include "tools/training/trainer.h"

namespace training {
namespace {

using ::testing::Each;
using ::testing::StartsWith;

class FrozenScoring : public ::testing::Test {
 protected:
  /// The delta of a run. With `whole`, everything is scored and what is frozen left out afterwards.
  std::string delta(const TrainConfig& config, bool whole = false) {
    auto run = open_run(config, {"train"});
    if (whole) run.method->limit_to({});
    score_and_select(run, config);
    scored_.clear();
    for (const peft::Choice& choice : run.method->choices()) scored_.push_back(choice.parameter);
    Trainer(run, config).train();
    write_delta(small_ / "delta", run, config);
    return engine::get(small_ / "delta");
  }

  SmallRun small_;
  TrainConfig config_ = small_.config();
  std::vector<std::string> scored_;
};

TEST_F(FrozenScoring, gives_the_delta_that_scoring_all_gives_where_each_matrix_is_chosen_from_alone) {
  config_.freeze_blocks = 1, config_.epochs = 1;
  for (const char* method : {"grft", "gps", "sift"}) {
    SCOPED_TRACE(method);
    config_.method = method;
    const std::string limited = delta(config_);
    EXPECT_EQ(scored_.size(), 4u);
    EXPECT_THAT(scored_, Each(StartsWith("blocks.1.")));
    EXPECT_TRUE(delta(config_, true) == limited);
    EXPECT_EQ(scored_.size(), 9u);
  }
}

TEST_F(FrozenScoring, selects_from_the_named_blocks_as_targets_would) {
  config_.epochs = 1;
  TrainConfig targets = config_;
  config_.select_blocks = "1-1";
  targets.method_options["targets"] =
      "blocks.0.attn.qkv.weight,blocks.0.attn.proj.weight,blocks.0.mlp.*.weight";
  auto run = open_run(config_, {"train"}), other = open_run(targets, {"train"});
  score_and_select(run, config_), score_and_select(other, targets);
  const auto parts = peft::trained_parts(run.loaded.model),
             expected = peft::trained_parts(other.loaded.model);
  EXPECT_EQ(parts.size(), 6u);
  EXPECT_TRUE(parts == expected);
}

TEST_F(FrozenScoring, is_part_of_what_identifies_a_selection) {
  config_.freeze_blocks = 1;
  auto run = open_run(config_, {"train"});
  score_and_select(run, config_);
  write_selection(small_ / "selection", run, config_);
  TrainConfig other = config_;
  other.freeze_blocks = 0, other.select_blocks = "1-2";
  auto changed = open_run(other, {"train"});
  EXPECT_THAT(selection_differences(engine::Safetensors(small_ / "selection"), changed, other),
              ::testing::UnorderedElementsAre("freeze_blocks was 1 and is 0",
                                              "select_blocks was \"\" and is \"1-2\""));
}

}  // namespace
}  // namespace training
