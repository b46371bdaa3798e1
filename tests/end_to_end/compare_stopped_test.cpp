#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "tests/end_to_end/comparison.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Compare, goes_on_when_the_process_of_a_run_is_killed_and_makes_that_run_with_the_next_call) {
  const Comparison garden;
  Words words = garden.words();
  *(std::ranges::find(words, "--epochs") + 1) = "60";
  *(std::ranges::find(words, "--seeds") + 1) = "1";
  const Folder notes;
  Background comparison(words, notes / "err");
  const fs::path killed = garden.run_of("colours/grft rows/lr0.003-seed0-search");
  wait_for(comparison, killed / "metrics.jsonl", "\"step\":7,");
  int process = 0;
  ASSERT_EQ(std::sscanf(read_text(killed / "run.lock").c_str(), "process %d", &process), 1);
  ASSERT_EQ(::kill(process, SIGKILL), 0);
  EXPECT_EQ(comparison.wait(), 1);
  const std::string said = read_text(notes / "err");
  EXPECT_THAT(said,
              AllOf(HasSubstr("failed: search, colours, grft rows, lr 0.003 seed 0: exited with status 137"),
                    HasSubstr("run 12 of 12"), HasSubstr("1 of 12 runs failed")));
  const Outcome mended = run(words);
  EXPECT_EQ(mended.status, 0) << mended.err;
  EXPECT_TRUE(mended.noted("run 4 of 12")) << mended.err;
  EXPECT_FALSE(mended.noted("run 1 of 12")) << mended.err;
  EXPECT_EQ(read_json(fs::path(garden.out()) / "compare.json")["runs"].size(), 12u);
}

class Stopped : public ::testing::TestWithParam<int> {};

TEST_P(Stopped, comparison_goes_on_to_the_end_of_the_unbroken_one) {
  const Comparison garden;
  const Words longer{"--warmup-epochs", "2"};
  const auto words = [&](const char* name) {
    Words all = garden.words(name);
    *(std::ranges::find(all, "--epochs") + 1) = "60";
    *(std::ranges::find(all, "--seeds") + 1) = "1";
    return all + longer;
  };
  ASSERT_EQ(run(words("whole")).status, 0);

  const fs::path run_folder = garden.run_of("colours/grft rows/lr0.003-seed0-search", "broken");
  const Folder notes;
  Background stopped(words("broken"), notes / "err");
  wait_for(stopped, run_folder / "metrics.jsonl", "\"step\":7,");
  ASSERT_TRUE(stopped.running()) << "it was over before it could be stopped";
  const int signal = GetParam();
  ::kill(stopped.process(), signal);
  EXPECT_EQ(stopped.wait(), 128 + signal);
  if (signal != SIGKILL) {
    const std::string said = read_text(notes / "err");
    EXPECT_THAT(said, AllOf(HasSubstr("espalier: stopped by SIG"), HasSubstr("the same command goes on")));
    EXPECT_TRUE(fs::exists(run_folder / "checkpoint.safetensors")) << "the run has saved";
    EXPECT_FALSE(fs::exists(run_folder / "result.json"));
  }

  // After SIGKILL its run gets SIGTERM, and may need a moment to save.
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  Outcome resumed = run(words("broken"));
  while (resumed.status != 0 && resumed.noted("writing this run") &&
         std::chrono::steady_clock::now() < give_up)
    resumed = run(words("broken"));
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  Json broken = timeless_comparison(garden.out("broken"));
  EXPECT_EQ(broken, timeless_comparison(garden.out("whole")));
  EXPECT_TRUE(
      read_text(run_folder / "delta.safetensors") ==
      read_text(garden.run_of("colours/grft rows/lr0.003-seed0-search", "whole") / "delta.safetensors"));
  EXPECT_EQ(read_json(run_folder / "result.json")["resumed"], true);
}

INSTANTIATE_TEST_SUITE_P(, Stopped, ::testing::Values(SIGINT, SIGTERM, SIGKILL), [](const auto& s) {
  return std::string(s.param == SIGINT ? "by_SIGINT" : s.param == SIGTERM ? "by_SIGTERM" : "by_SIGKILL");
});

TEST(Compare, starts_a_run_over_whose_images_have_changed_only_when_it_may) {
  const Comparison garden;
  Words words = garden.words() + Words{"--on-bad-image", "skip"};
  *(std::ranges::find(words, "--epochs") + 1) = "20";
  *(std::ranges::find(words, "--seeds") + 1) = "1";
  const fs::path run_folder = garden.run_of("colours/grft rows/lr0.003-seed0-search");
  Background stopped(words);
  wait_for(stopped, run_folder / "metrics.jsonl", "\"step\":7,");
  ASSERT_TRUE(stopped.running()) << "it was over before it could be stopped";
  ::kill(stopped.process(), SIGTERM);
  EXPECT_EQ(stopped.wait(), 128 + SIGTERM);
  write_images(garden.data() + "/train", {"blue"}, 1, 90);
  EXPECT_THAT(run(words).error(2), HasSubstr("images was 18 and is 19"));
  const Outcome other = run(words + Words{"--overwrite"});
  EXPECT_EQ(other.status, 0) << other.err;
  EXPECT_EQ(read_json(run_folder / "result.json")["resumed"], false);
}

TEST(Compare, has_one_process_at_a_time_in_its_folder) {
  const Comparison garden;
  Words words = garden.words();
  *(std::ranges::find(words, "--epochs") + 1) = "1000";
  Background first(words);
  wait_for(first, fs::path(garden.out()) / "compare.json", "espalier-compare");
  ASSERT_TRUE(first.running());
  EXPECT_THAT(run(words).error(1),
              AllOf(HasSubstr("process " + std::to_string(first.process())), HasSubstr("at work")));
  ::kill(first.process(), SIGTERM);
  EXPECT_EQ(first.wait(), 128 + SIGTERM);
}

TEST(Compare, leaves_other_folders_alone) {
  const Comparison garden;
  write_text(fs::path(garden.out()) / "mine.txt", "mine");
  EXPECT_THAT(run(garden.words()).error(2), HasSubstr("compare.lock"));
  EXPECT_EQ(std::distance(fs::directory_iterator(garden.out()), {}), 1);
}

}  // namespace
}  // namespace end_to_end
