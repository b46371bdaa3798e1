// Scores of an earlier scoring in place of a scoring.

#include "tools/training/known_scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/compare.h"
#include "tests/training/small_run.h"
#include "tools/training/memory_estimate.h"
#include "tools/training/trainer.h"
#include "tools/training/usage_error.h"

namespace training {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
namespace fs = std::filesystem;

class KnownScores : public ::testing::Test {
 protected:
  KnownScores() { config_.epochs = 1; }

  /// The delta of a run that takes the scores at `path`, or makes them; none where it is empty.
  std::string delta(const TrainConfig& config, const fs::path& path = {}) {
    scored_ = 0, notes_.clear();
    Events events;
    events.on_score = [this](const ScoreEvent&) { ++scored_; };
    events.on_note = [this](const std::string& note) { notes_.push_back(note); };
    auto run = open_run(config, {"train"});
    estimate_memory(run, config);  // prepares the method a first time
    ScoringOptions how;
    if (!path.empty()) use_known_scores(path, run, config, events, how);
    score_and_select(run, config, events, how);
    write_selection(small_ / "selection", run, config);
    Trainer(run, config).train();
    write_delta(small_ / "delta", run, config);
    return engine::get(small_ / "delta");
  }
  std::string refusal(const TrainConfig& config, const fs::path& path) {
    auto run = open_run(config, {"train"});
    try {
      read_scores(path, run, config);
    } catch (const UsageError& e) {
      return e.what();
    }
    return "taken";
  }
  /// What select --gradients writes.
  fs::path written(const TrainConfig& config) {
    auto run = open_run(config, {"train"});
    const fs::path path = small_ / "gradients.safetensors";
    ScoringOptions how;
    how.keep = [&](const WholeScores& scores) { write_scores(path, run, config, scores); };
    score_and_select(run, config, {}, how);
    return path;
  }
  std::vector<fs::path> kept() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_)) files.push_back(entry.path());
    return files;
  }

  SmallRun small_;
  TrainConfig config_ = small_.config();
  const fs::path folder_ = small_.path() / "kept" / "";
  int scored_ = 0;
  std::vector<std::string> notes_;
};

TEST_F(KnownScores, give_the_delta_and_the_selection_of_a_run_that_scores_itself) {
  for (const std::string method : {"grft", "gps", "sift", "fisher", "spt"}) {
    SCOPED_TRACE(method);
    config_.method = method;
    const std::string own = delta(config_), selection = engine::get(small_ / "selection");
    const int batches = scored_;
    EXPECT_GT(batches, 0);
    EXPECT_TRUE(delta(config_, folder_ / method / "") == own);
    EXPECT_EQ(scored_, batches) << "nothing was kept before";
    EXPECT_TRUE(delta(config_, folder_ / method / "") == own);
    EXPECT_EQ(scored_, 0);
    EXPECT_TRUE(engine::get(small_ / "selection") == selection);
    EXPECT_THAT(notes_, IsEmpty());
  }
}

TEST_F(KnownScores, are_one_file_for_all_runs_that_score_in_the_same_way) {
  delta(config_, folder_);
  TrainConfig other = config_;
  other.method = "gps", other.lr = 1, other.epochs = 2, other.optimizer = "sgd", other.model.threads = 2;
  other.method_options = {{"k", "2"}, {"train-bias", "off"}};
  delta(other, folder_);
  EXPECT_EQ(scored_, 0);
  EXPECT_EQ(kept().size(), 1u);
  for (auto change : {+[](TrainConfig& c) { c.model.seed = 1; }, +[](TrainConfig& c) { c.batch_size = 4; },
                      +[](TrainConfig& c) {
                        c.method_options = {{"score-augment", "none"}};
                      },
                      +[](TrainConfig& c) { c.freeze_blocks = 1; }}) {
    TrainConfig changed = config_;
    change(changed);
    delta(changed, folder_);
    EXPECT_GT(scored_, 0);
  }
  EXPECT_EQ(kept().size(), 5u);
}

TEST_F(KnownScores, of_more_parameters_serve_a_run_that_chooses_from_fewer_and_not_the_other_way_round) {
  TrainConfig upper = config_;
  upper.select_blocks = "2-2";
  const std::string own = delta(upper);
  EXPECT_TRUE(delta(upper, written(config_)) == own);
  EXPECT_EQ(scored_, 0);
  EXPECT_THAT(refusal(config_, written(upper)),
              HasSubstr("has no scores of patch_embed.proj.weight, which this run chooses from"));
}

TEST_F(KnownScores, of_another_scoring_are_refused_by_every_difference) {
  const fs::path path = written(config_);
  EXPECT_EQ(refusal(config_, path), "taken");
  config_.method = "sift", config_.model.seed = 2;
  EXPECT_THAT(refusal(config_, path),
              AllOf(StartsWith(path.string() + ": has scores of other options or data: "),
                    HasSubstr("seed was 0 and is 2"), HasSubstr("score was \"supcon\" and is \"ce\""),
                    HasSubstr("score_batches was \"all\" and is 1")));
  engine::write_safetensors(path, {}, {{"format", "espalier-gradients"}});
  EXPECT_THAT(refusal(config_, path), HasSubstr("has no record of how it was made"));
}

TEST_F(KnownScores, that_are_damaged_are_refused_and_in_a_folder_made_again) {
  const fs::path path = written(config_);
  const auto damage = [](const fs::path& file) {
    std::string bytes = engine::get(file);
    bytes[bytes.size() - 3] ^= 1;
    engine::put(file, bytes);
  };
  damage(path);
  EXPECT_THAT(support::error_of([&] { delta(config_, path); }), HasSubstr("is damaged"));
  const std::string own = delta(config_, folder_), whole = engine::get(kept().front());
  damage(kept().front());
  EXPECT_TRUE(delta(config_, folder_) == own);
  EXPECT_EQ(scored_, 2);
  EXPECT_THAT(notes_, ElementsAre(AllOf(StartsWith("note: scored again: "), HasSubstr("is damaged"))));
  delta(config_, folder_);
  EXPECT_EQ(scored_, 0);
}

TEST_F(KnownScores, of_images_that_have_changed_are_made_again) {
  delta(config_, folder_);
  std::string bytes = engine::get(small_ / "data/train/a/1.ppm");
  bytes.back() ^= 1;
  engine::put(small_ / "data/train/a/1.ppm", bytes);
  delta(config_, folder_);
  EXPECT_EQ(scored_, 2);
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("scored_sha256 was ")));
}

TEST_F(KnownScores, do_not_stand_for_a_scoring_that_leaves_more_than_sums) {
  for (const auto& [method, option] :
       {std::pair{"grft", "score-sketch"}, {"gps", "score-candidates"}, {"sam", "probes"}}) {
    config_.method = method, config_.method_options = {{option, "1"}};
    EXPECT_THAT(support::error_of([&] { delta(config_, folder_); }), HasSubstr(std::string("--") + option));
  }
  config_.method = "magnitude", config_.method_options = {};
  EXPECT_THAT(support::error_of([&] { delta(config_, folder_); }), HasSubstr("does not select by gradients"));
}

TEST_F(KnownScores, of_a_scoring_that_stops_when_its_own_choice_is_stable_serve_no_other) {
  const auto why = [](const std::string& batches) {
    return why_no_known_scores(*peft::make_method("grft", {{"score-batches", batches}}), "grft");
  };
  EXPECT_THAT(why("auto"), HasSubstr("--score-batches auto"));
  EXPECT_EQ(why("2"), "");
}

TEST_F(KnownScores, of_spt_within_some_blocks_are_estimated) {
  TrainConfig config = config_;
  config.method = "spt", config.method_options = {}, config.freeze_blocks = 1;
  auto run = open_run(config, {"train"});
  EXPECT_GT(estimate_memory(run, config).total(), 0u);
}

}  // namespace
}  // namespace training
