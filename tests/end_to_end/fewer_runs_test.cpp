#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

#include "tests/end_to_end/comparison.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// One task, one method and four rates of eight epochs.
Words search(const Comparison& garden, const std::string& name, const std::string& how) {
  return {"compare",
          "--out",
          garden.out(name),
          "--model",
          garden.model(),
          "--task",
          "colours=" + garden.data(),
          "--methods",
          "grft,anchor=0.1",
          "--lrs",
          "0.001,0.003,0.01,0.03",
          "--epochs",
          "8",
          "--batch-size",
          "6",
          "--ema",
          "0.5",
          "--threads",
          "1",
          "--search",
          how};
}

fs::path searched(const Comparison& garden, const std::string& name, const Json& run) {
  std::ostringstream lr;
  lr << run["lr"].get<double>();
  return garden.run_of("colours/grft,anchor=0.1/lr" + lr.str() + "-seed0-search", name);
}

/// Runs a comparison that was killed a moment ago, whose run may still be saving.
Outcome run_when_free(const Words& words) {
  Outcome outcome = run(words);
  for (int tries = 0; tries < 1000 && outcome.status != 0 && outcome.noted("writing this run"); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    outcome = run(words);
  }
  return outcome;
}

TEST(Halving, makes_the_finalists_of_the_grid_and_a_grid_takes_up_what_it_stopped) {
  const Comparison garden;
  ASSERT_EQ(run(search(garden, "grid", "grid")).status, 0);
  const Json grid = timeless_comparison(garden.out("grid"));

  const Words words = search(garden, "halved", "halving");
  const Outcome plan = run(words + Words{"--dry-run"});
  EXPECT_THAT(plan.out,
              AllOf(HasSubstr("search, colours, grft,anchor=0.1, lr 0.001 seed 0, halving after epoch "
                              "2 and 4\n"),
                    HasSubstr("best lr of 0.001/0.003/0.01/0.03 seed 0\n")));
  // Killed on the way, it goes on.
  Background broken(words);
  wait_for(broken, garden.run_of("colours/grft,anchor=0.1/lr0.01-seed0-search", "halved") / "metrics.jsonl",
           "\"epoch\":0");
  ASSERT_TRUE(broken.kill()) << "it was over before it could be stopped";
  const Outcome halved = run_when_free(words);
  ASSERT_EQ(halved.status, 0) << halved.err;
  Json all = read_json(fs::path(garden.out("halved")) / "compare.json");
  EXPECT_EQ(all["settings"]["search"], "halving");
  ASSERT_EQ(all["runs"].size(), 5u);
  std::vector<int> stopped;
  for (std::size_t i = 0; i < 4; ++i) {
    const Json& one = all["runs"][i];
    stopped.push_back(one.value("stopped_after", 0));
    if (stopped.back() > 0) {
      EXPECT_FALSE(fs::exists(searched(garden, "halved", one) / "delta.safetensors"));
      EXPECT_TRUE(fs::exists(searched(garden, "halved", one) / "checkpoint.safetensors"));
      EXPECT_FALSE(one.contains("trainable"));
      continue;
    }
    EXPECT_EQ(one["val_top1"], grid["runs"][i]["val_top1"]);
    EXPECT_EQ(one["val_loss"], grid["runs"][i]["val_loss"]);
    EXPECT_TRUE(read_text(searched(garden, "halved", one) / "delta.safetensors") ==
                read_text(searched(garden, "grid", one) / "delta.safetensors"));
    EXPECT_EQ(all["runs"][4]["lr"], one["lr"]) << "with which it is tested";
  }
  std::ranges::sort(stopped);
  EXPECT_THAT(stopped, ElementsAre(0, 2, 2, 4));
  EXPECT_THAT(read_text(fs::path(garden.out("halved")) / "report.html"), HasSubstr("espalier"));

  const Outcome full = run(search(garden, "halved", "grid"));
  ASSERT_EQ(full.status, 0) << full.err;
  all = timeless_comparison(garden.out("halved"));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(all["runs"][i], grid["runs"][i]);
    EXPECT_TRUE(read_text(searched(garden, "halved", all["runs"][i]) / "delta.safetensors") ==
                read_text(searched(garden, "grid", all["runs"][i]) / "delta.safetensors"));
  }
  EXPECT_EQ(all["table"], grid["table"]);
}

TEST(Halving, of_one_epoch_is_a_grid) {
  const Comparison garden;
  Words words = search(garden, "short", "halving");
  *(std::ranges::find(words, "--epochs") + 1) = "1";
  ASSERT_EQ(run(words).status, 0);
  const Json comparison = read_json(fs::path(garden.out("short")) / "compare.json");
  for (const Json& one : comparison["runs"]) EXPECT_FALSE(one.contains("stopped_after"));
}

TEST(Parts, of_a_comparison_end_as_the_whole_one_even_when_one_is_killed) {
  const Comparison garden;
  const auto words = [&](const std::string& name, const Words& more = {}) {
    Words all = garden.words(name);
    *(std::ranges::find(all, "--epochs") + 1) = "20";
    *(std::ranges::find(all, "--seeds") + 1) = "1";
    return all + more;
  };
  ASSERT_EQ(run(words("whole")).status, 0);
  Background killed(words("parted", {"--part", "1/3"})), second(words("parted", {"--part", "2/3"})),
      third(words("parted", {"--part", "3/3"}));
  wait_for(killed, garden.run_of("colours/linear/lr0.03-seed0-search", "parted") / "metrics.jsonl",
           "\"step\":7,");
  EXPECT_THAT(run(words("parted")).error(1),
              AllOf(HasSubstr("is at work on part "), HasSubstr("wait until it ends")));
  ASSERT_TRUE(killed.kill()) << "it was over before it could be stopped";
  EXPECT_EQ(second.wait(), 0);
  EXPECT_EQ(third.wait(), 0);
  EXPECT_FALSE(fs::exists(fs::path(garden.out("parted")) / "compare.json"));
  EXPECT_EQ(run_when_free(words("parted")).status, 0);
  EXPECT_EQ(timeless_comparison(garden.out("parted")), timeless_comparison(garden.out("whole")));
  for (const char* file : {"colours/linear/lr0.03-seed0-search", "sides/grft rows/lr0.003-seed0-search"})
    EXPECT_TRUE(read_text(garden.run_of(file, "parted") / "delta.safetensors") ==
                read_text(garden.run_of(file, "whole") / "delta.safetensors"));
  EXPECT_THAT(run(words("parted", {"--part", "3/2"})).error(2), HasSubstr("--part takes I/N"));
}

}  // namespace
}  // namespace end_to_end
