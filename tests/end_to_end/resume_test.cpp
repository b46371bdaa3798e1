#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/long_run.h"

namespace end_to_end {
namespace {

struct ResumeCase {
  const char* name;
  const char* method;
  Words more;
};
void PrintTo(const ResumeCase& c, std::ostream* os) {
  *os << c.name;
}

class Resume : public ::testing::TestWithParam<ResumeCase> {};

TEST_P(Resume, of_a_run_that_was_killed_twice_ends_as_the_unbroken_one) {
  const Garden garden;
  const auto& [name, method, more] = GetParam();
  const fs::path whole = garden.run_folder("whole"), broken = garden.run_folder("broken");
  ASSERT_EQ(run(long_run(garden, method, whole, more)).status, 0);

  const Words words = long_run(garden, method, broken, more);
  ASSERT_TRUE(kill_at_step(words, broken, "7")) << "the run was over before it could be stopped";
  EXPECT_FALSE(fs::exists(broken / "delta.safetensors"));
  ASSERT_TRUE(kill_at_step(words + Words{"--resume"}, broken, "20"));
  const Outcome resumed = run(words + Words{"--resume"});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_TRUE(resumed.noted("resuming after step ")) << resumed.err;

  expect_same_run(broken, whole);
}

INSTANTIATE_TEST_SUITE_P(
    , Resume,
    ::testing::Values(
        ResumeCase{"grft_saved_every_step", "grft", {"--save-every", "1"}},
        ResumeCase{"grft_saved_after_epochs", "grft", {}},
        ResumeCase{"grft_until_stable", "grft", {"--save-every", "1", "--score-batches", "auto"}},
        ResumeCase{"full_saved_every_second_step", "full", {"--save-every", "2"}},
        ResumeCase{"gps_keeping_the_best", "gps", {"--save-every", "1", "--keep", "best"}},
        ResumeCase{"gps_by_candidates", "gps", {"--save-every", "1", "--score-candidates", "2"}},
        ResumeCase{"sift_with_accumulation", "sift", {"--save-every", "1", "--grad-accum", "2"}},
        ResumeCase{"lora_with_layer_decay", "lora", {"--save-every", "1", "--layer-decay", "0.8"}},
        ResumeCase{"spt", "spt", {"--save-every", "1"}},
        // What trains changes at steps 2, 4, ... and at half time.
        ResumeCase{"spiel", "spiel", {"--save-every", "1", "--period", "2", "--grow-batches", "1"}},
        ResumeCase{"lisa", "lisa", {"--save-every", "1", "--period", "3", "--blocks", "1"}},
        ResumeCase{"lt_sft", "lt-sft", {"--save-every", "1", "--first", "0.3"}},
        ResumeCase{"sara", "sara", {"--save-every", "1", "--threshold", "0.01"}},
        ResumeCase{"green_with_frozen_blocks", "green", {"--save-every", "1", "--freeze-blocks", "1"}},
        ResumeCase{"lp_ft", "lp-ft", {"--save-every", "1"}}),
    [](const auto& c) { return c.param.name; });

TEST(ResumedRun, that_was_over_is_evaluated_again_and_nothing_else) {
  const Garden garden;
  garden.tune("grft");
  const fs::path folder = garden.run_folder();
  const std::string delta = read_text(folder / "delta.safetensors");
  const std::vector<Json> lines = timeless(folder);
  garden.tune("grft", {"--resume"});
  EXPECT_TRUE(read_text(folder / "delta.safetensors") == delta);
  EXPECT_EQ(timeless(folder), lines);
}

TEST(ResumedRun, with_other_options_is_refused_and_left_as_it_was) {
  const Garden garden;
  garden.tune("grft");
  const fs::path folder = garden.run_folder();
  const std::string checkpoint = read_text(folder / "checkpoint.safetensors"),
                    config = read_text(folder / "config.json");
  const Words words = Words{"tune"} + garden.job("grft") + Words{"--out", folder, "--resume", "--lr", "0.01"};
  const std::vector<Words> others{
      {"--epochs", "3"}, {"--epochs", "2", "--seed", "1"}, {"--epochs", "2", "--k", "1"}};
  for (const Words& other : others) {
    const std::string error = run(words + other).error(2);
    EXPECT_NE(error.find("other options"), std::string::npos) << error;
    EXPECT_NE(error.find(" was "), std::string::npos) << "which is not said: " << error;
  }
  EXPECT_TRUE(read_text(folder / "checkpoint.safetensors") == checkpoint);
  EXPECT_EQ(read_text(folder / "config.json"), config);
  EXPECT_TRUE(fs::exists(folder / "result.json"));
  EXPECT_EQ(run(words + Words{"--epochs", "2", "--threads", "1", "--workers", "0"}).status, 2)
      << "threads are there twice";
  Words fewer = words + Words{"--epochs", "2", "--workers", "0"};
  fewer[std::size_t(std::ranges::find(fewer, "--threads") - fewer.begin()) + 1] = "1";
  EXPECT_EQ(run(fewer).status, 0) << "threads and workers may change";
}

TEST(ResumedRun, on_a_model_that_files_beside_it_say_other_things_of_is_refused) {
  const Garden garden;
  garden.tune("grft");
  const Words words = Words{"tune"} + garden.job("grft") +
                      Words{"--out", garden.run_folder(), "--resume", "--lr", "0.01", "--epochs", "2"};
  const fs::path beside = fs::path(garden.model()).parent_path();
  write_text(beside / "preprocessor_config.json", R"({"size":16,"image_mean":[0.1,0.2,0.3]})");
  EXPECT_THAT(run(words).error(2), ::testing::HasSubstr("interpolation was"));
  fs::remove(beside / "preprocessor_config.json");
  write_text(beside / "config.json", R"({"layer_norm_eps":1e-3})");
  EXPECT_THAT(run(words).error(2), ::testing::HasSubstr("norm_eps"));
}

TEST(ResumedRun, without_a_checkpoint_starts_over) {
  const Garden garden;
  garden.tune("grft", {"--resume"});
  const fs::path folder = garden.run_folder();
  const std::vector<Json> lines = timeless(folder);
  for (const char* name : {"checkpoint.safetensors", "checkpoint.previous.safetensors"})
    fs::remove(folder / name);
  EXPECT_TRUE(garden.tune("grft", {"--resume"}).noted("no checkpoint"));
  EXPECT_EQ(timeless(folder), lines);
}

/// Changes a byte in the middle of a file.
void damage(const fs::path& path) {
  std::string bytes = read_text(path);
  bytes[bytes.size() - bytes.size() / 4] ^= 1;
  write_text(path, bytes);
}

TEST(DamagedCheckpoint, is_passed_over_for_the_one_before_it) {
  const Garden garden;
  const fs::path whole = garden.run_folder("whole"), broken = garden.run_folder("broken");
  ASSERT_EQ(run(long_run(garden, "grft", whole)).status, 0);
  const Words words = long_run(garden, "grft", broken, {"--save-every", "3"});
  // A run to its end: one that is killed may leave its newest checkpoint under the older one's name only.
  ASSERT_EQ(run(words).status, 0);
  damage(broken / "checkpoint.safetensors");
  const Outcome resumed = run(words + Words{"--resume"});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_TRUE(resumed.noted("passed over")) << resumed.err;
  EXPECT_TRUE(resumed.noted("damaged")) << resumed.err;
  EXPECT_TRUE(resumed.noted("resuming after step ")) << resumed.err;
  expect_same_run(broken, whole);
}

TEST(DamagedCheckpoint, is_refused_when_there_is_no_other_that_is_whole) {
  const Garden garden;
  garden.tune("grft");
  const fs::path folder = garden.run_folder();
  for (const char* name : {"checkpoint.safetensors", "checkpoint.previous.safetensors"})
    damage(folder / name);
  const std::string error = run(Words{"tune"} + garden.job("grft") +
                                Words{"--epochs", "2", "--lr", "0.01", "--out", folder, "--resume"})
                                .error(1);
  EXPECT_NE(error.find("damaged"), std::string::npos) << error;
  EXPECT_NE(error.find("--overwrite"), std::string::npos) << error;
  EXPECT_TRUE(fs::exists(folder / "result.json"));
}

}  // namespace
}  // namespace end_to_end
