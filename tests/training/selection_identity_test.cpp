#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/kernel_guards.h"
#include "tests/training/small_run.h"

namespace training {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class SelectionIdentity : public ::testing::Test {
 protected:
  engine::Safetensors selected(const TrainConfig& config) const {
    auto run = open_run(config, {"train"});
    score_and_select(run, config);
    write_selection(small_ / "selection", run, config);
    return engine::Safetensors(small_ / "selection");
  }

  /// How the selection of `config_` was made otherwise than this one would be.
  std::vector<std::string> differences(const TrainConfig& config) const {
    const engine::Safetensors file = selected(config_);
    auto run = open_run(config, {"train"});
    return selection_differences(file, run, config);
  }

  SmallRun small_;
  TrainConfig config_ = small_.config();
};

TEST_F(SelectionIdentity, has_what_selects_and_nothing_of_the_training) {
  EXPECT_THAT(differences(config_), IsEmpty());
  TrainConfig other = config_;
  other.lr = 1, other.epochs = 7, other.optimizer = "sgd", other.keep = "best", other.workers = 3;
  other.model.threads = 2;
  EXPECT_THAT(differences(other), IsEmpty());
  other.model.seed = 5, other.method_options["k"] = "3", other.batch_size = 4;
  other.model.mean = "0.25,0.5,0.75";
  const auto found = differences(other);
  for (const char* field : {"seed was 0 and is 5", "k was \"2\" and is \"3\"", "batch_size was 6 and is 4",
                            "mean was [0.5,0.5,0.5] and is [0.25,0.5,0.75]"})
    EXPECT_THAT(found, Contains(field));
}

TEST_F(SelectionIdentity, has_the_base) {
  const engine::Safetensors file = selected(config_);
  engine::NamedTensors state;
  {
    const engine::Safetensors base(small_ / "model.safetensors");
    for (const std::string& name : base.names()) state.emplace_back(name, base.read(name));
  }
  state.front().second.data<float>()[0] += 1;
  engine::write_safetensors(small_ / "model.safetensors", state, {{"num_heads", "3"}});
  auto run = open_run(config_, {"train"});
  EXPECT_THAT(selection_differences(file, run, config_), ElementsAre(StartsWith("base_sha256 was ")));
}

TEST_F(SelectionIdentity, has_what_the_images_that_were_scored_hold) {
  config_.no_shuffle = true, config_.method_options["score-batches"] = "1";  // the first six
  const engine::Safetensors file = selected(config_);
  const auto found = [&](const TrainConfig& config) {
    auto run = open_run(config, {"train"});
    return selection_differences(file, run, config);
  };
  TrainConfig moved = config_;
  std::filesystem::copy(small_ / "data", small_ / "moved", std::filesystem::copy_options::recursive);
  moved.data.data = small_ / "moved";
  EXPECT_THAT(found(moved), IsEmpty()) << "the same images elsewhere";
  const auto change = [&](const char* image) {
    std::string bytes = engine::get(small_ / image);
    bytes.back() ^= 1;
    engine::put(small_ / image, bytes);
  };
  change("data/train/c/3.ppm");
  EXPECT_THAT(found(config_), IsEmpty()) << "an image that was not scored";
  change("data/train/a/1.ppm");
  EXPECT_THAT(found(config_), ElementsAre(StartsWith("scored_sha256 was ")));
  EXPECT_THAT(found(moved), IsEmpty());
  std::filesystem::remove(small_ / "moved/train/c/3.ppm");
  EXPECT_THAT(found(moved),
              ElementsAre(StartsWith("images was 12 and is 11"), StartsWith("images_sha256 was ")));
}

TEST_F(SelectionIdentity, has_the_instruction_set) {
  if (engine::kernels::simd_name() == std::string("baseline")) GTEST_SKIP() << "there is one only";
  const engine::Safetensors file = selected(config_);
  const support::UseSimd baseline("baseline");
  auto run = open_run(config_, {"train"});
  EXPECT_THAT(selection_differences(file, run, config_),
              ElementsAre(AllOf(HasSubstr("instruction_set was "), HasSubstr(" and is \"baseline\""))));
}

TEST_F(SelectionIdentity, of_a_method_that_scores_nothing_has_no_scored_images) {
  config_.method = "magnitude";
  EXPECT_THAT(differences(config_), IsEmpty());
  const engine::Json fields = read_identity(selected(config_).metadata().at("identity"));
  EXPECT_FALSE(fields.contains("scored_batches"));
  EXPECT_TRUE(fields.contains("base_sha256"));
}

TEST_F(SelectionIdentity, is_missed_where_a_file_has_none) {
  for (const engine::Metadata& metadata : {engine::Metadata{}, engine::Metadata{{"identity", "damaged"}}}) {
    engine::write_safetensors(small_ / "bare", {}, metadata);
    auto run = open_run(config_, {"train"});
    EXPECT_THAT(selection_differences(engine::Safetensors(small_ / "bare"), run, config_),
                ElementsAre("it has no record of how it was made"));
  }
}

}  // namespace
}  // namespace training
