#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

/// Everything at once that random numbers or threads could make different.
Words demanding() {
  return {"--augment",         "fgvc", "--mixup", "0.4", "--cutmix",    "1",     "--ema",          "0.8",
          "--drop-path",       "0.3",  "--clip",  "1",   "--optimizer", "adamw", "--weight-decay", "0.05",
          "--label-smoothing", "0.1"};
}

/// `tune` of the garden with these many threads and workers; the bytes of the delta.
std::string delta_of(const Garden& garden, const std::string& method, const std::string& threads,
                     const std::string& workers, const std::string& seed = "0",
                     const std::string& recompute = "none") {
  const std::string name = method + threads + workers + seed + recompute;
  const Words words = Words{"tune",
                            "--model",
                            garden.model(),
                            "--data",
                            garden.data(),
                            "--method",
                            method,
                            "--threads",
                            threads,
                            "--workers",
                            workers,
                            "--seed",
                            seed,
                            "--batch-size",
                            "6",
                            "--recompute",
                            recompute,
                            "--steps",
                            "5",
                            "--lr",
                            "0.01",
                            "--out",
                            garden.run_folder(name)} +
                      demanding();
  const Outcome outcome = run(words);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return read_text(garden.run_folder(name) + "/delta.safetensors");
}

class SameBits : public ::testing::TestWithParam<const char*> {};

TEST_P(SameBits, for_any_number_of_threads_and_workers) {
  const Garden garden;
  const std::string one = delta_of(garden, GetParam(), "1", "0");
  EXPECT_TRUE(delta_of(garden, GetParam(), "2", "1") == one);
  EXPECT_TRUE(delta_of(garden, GetParam(), "3", "4") == one);
}

TEST_P(SameBits, for_the_same_seed_only) {
  const Garden garden;
  const std::string zero = delta_of(garden, GetParam(), "2", "2", "0");
  fs::remove_all(garden.run_folder(std::string(GetParam()) + "220none"));
  EXPECT_TRUE(delta_of(garden, GetParam(), "2", "2", "0") == zero);
  EXPECT_FALSE(delta_of(garden, GetParam(), "2", "2", "1") == zero);
}

TEST_P(SameBits, with_recomputed_blocks) {
  const Garden garden;
  EXPECT_TRUE(delta_of(garden, GetParam(), "2", "1", "0", "blocks") ==
              delta_of(garden, GetParam(), "2", "1"));
}

INSTANTIATE_TEST_SUITE_P(, SameBits, ::testing::Values("full", "grft", "gps", "sift"),
                         [](const auto& method) { return std::string(method.param); });

/// The lines of a run's metrics without the fields that tell time.
std::vector<Json> timeless(const fs::path& folder) {
  std::vector<Json> lines = read_lines(folder / "metrics.jsonl");
  for (Json& line : lines) line.erase("images_per_s");
  return lines;
}

/// The words of a run that is long enough to be stopped, writing to `out`.
Words long_run(const Garden& garden, const std::string& method, const std::string& out, const Words& more) {
  return Words{"tune"} + garden.job(method) +
         Words{"--epochs", "60", "--eval-every", "2", "--lr", "0.003", "--out", out} + demanding() + more;
}

/// Waits until the run in `folder` has logged this step, and ends it; false when it ended by itself.
bool kill_at_step(const Words& words, const fs::path& folder, const std::string& step) {
  Background run(words);
  const std::string mark = "\"step\",\"step\":" + step + ",";
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < give_up && run.running()) {
    if (fs::exists(folder / "metrics.jsonl") &&
        read_text(folder / "metrics.jsonl").find(mark) != std::string::npos)
      break;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return run.kill();
}

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

  EXPECT_TRUE(read_text(broken / "delta.safetensors") == read_text(whole / "delta.safetensors"));
  EXPECT_EQ(timeless(broken), timeless(whole));
  for (const char* split : {"val", "test"}) {
    Json a = read_json(broken / "result.json")[split], b = read_json(whole / "result.json")[split];
    a.erase("seconds"), b.erase("seconds");
    EXPECT_EQ(a, b) << split;
  }
}

INSTANTIATE_TEST_SUITE_P(
    , Resume,
    ::testing::Values(ResumeCase{"grft_saved_every_step", "grft", {"--save-every", "1"}},
                      ResumeCase{"grft_saved_after_epochs", "grft", {}},
                      ResumeCase{"full_saved_every_second_step", "full", {"--save-every", "2"}},
                      ResumeCase{"gps_keeping_the_best", "gps", {"--save-every", "1", "--keep", "best"}},
                      ResumeCase{
                          "sift_with_accumulation", "sift", {"--save-every", "1", "--grad-accum", "2"}}),
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

TEST(ResumedRun, without_a_checkpoint_begins_anew) {
  const Garden garden;
  garden.tune("grft", {"--resume"});
  const fs::path folder = garden.run_folder();
  const std::vector<Json> lines = timeless(folder);
  fs::remove(folder / "checkpoint.safetensors");
  EXPECT_TRUE(garden.tune("grft", {"--resume"}).noted("no checkpoint"));
  EXPECT_EQ(timeless(folder), lines);
}

}  // namespace
}  // namespace end_to_end
