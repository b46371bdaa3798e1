#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>

#include "tests/end_to_end/long_run.h"

namespace end_to_end {
namespace {

struct Stop {
  const char* name;
  int signal;
  const char* line;   ///< in the log, after which it comes
  const char* where;  ///< in the program's last line
};
void PrintTo(const Stop& stop, std::ostream* os) {
  *os << stop.name;
}

class Interrupted : public ::testing::TestWithParam<Stop> {};

TEST_P(Interrupted, run_saves_leaves_with_its_status_and_goes_on_as_if_nothing_had_been) {
  const Garden garden;
  const Folder notes;
  const fs::path whole = garden.run_folder("whole"), broken = garden.run_folder("broken");
  // Without these options it would save after epochs only.
  ASSERT_EQ(run(long_run(garden, "grft", whole)).status, 0);
  const Words words = long_run(garden, "grft", broken);
  Background stopped(words, notes / "err");
  wait_for_line(stopped, broken, GetParam().line);
  ASSERT_TRUE(stopped.running()) << "the run was over before it could be stopped";
  ::kill(stopped.process(), GetParam().signal);
  EXPECT_EQ(stopped.wait(), 128 + GetParam().signal);
  const std::string said = read_text(notes / "err");
  EXPECT_NE(said.find(std::string("espalier: stopped by ") + GetParam().name), std::string::npos) << said;
  EXPECT_NE(said.find(GetParam().where), std::string::npos) << said;
  EXPECT_FALSE(fs::exists(broken / "delta.safetensors"));

  const std::size_t lines = timeless(broken).size();
  const Outcome resumed = run(words + Words{"--resume"});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_TRUE(resumed.noted("resuming after ")) << resumed.err;
  EXPECT_GT(lines, 0u);
  expect_same_run(broken, whole);
  EXPECT_FALSE(fs::exists(broken / "scores.safetensors")) << "of use to nobody any more";
}

INSTANTIATE_TEST_SUITE_P(
    , Interrupted,
    ::testing::Values(Stop{"SIGINT", SIGINT, "\"step\",\"step\":7,", "after step"},
                      Stop{"SIGTERM", SIGTERM, "\"score\",\"batch\":0,", "--resume goes on from there"},
                      Stop{"SIGHUP", SIGHUP, "\"step\",\"step\":11,", "--resume goes on from there"}),
    [](const auto& stop) { return std::string(stop.param.name); });

/// What is summed up changes on the way, so that sums alone would not tell how to go on.
TEST(InterruptedScoring, by_a_sketch_or_by_candidates_starts_over_and_ends_as_the_unbroken_one) {
  const std::pair<const char*, Words> cases[] = {{"grft", {"--score-sketch", "2"}},
                                                 {"gps", {"--score-candidates", "2"}}};
  for (const auto& [method, scoring] : cases) {
    SCOPED_TRACE(method);
    const Garden garden;
    const Folder notes;
    const fs::path whole = garden.run_folder("whole"), broken = garden.run_folder("broken");
    ASSERT_EQ(run(long_run(garden, method, whole, scoring)).status, 0);
    const Words words = long_run(garden, method, broken, scoring);
    Background stopped(words, notes / "err");
    wait_for_line(stopped, broken, "\"score\",\"batch\":0,");
    ASSERT_TRUE(stopped.running()) << "the run was over before it could be stopped";
    ::kill(stopped.process(), SIGTERM);
    EXPECT_EQ(stopped.wait(), 128 + SIGTERM);
    const std::string said = read_text(notes / "err");
    const bool scored = said.find("after step") != std::string::npos;  // it was quicker than the signal
    EXPECT_TRUE(scored || said.find("; --resume starts the scoring over") != std::string::npos) << said;
    EXPECT_FALSE(fs::exists(broken / "scores.safetensors"));
    const Outcome resumed = run(words + Words{"--resume"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    expect_same_run(broken, whole);
  }
}

TEST(InterruptedScoring, of_select_promises_nothing_to_go_on_from) {
  const Garden garden;
  const Folder notes;
  write_images(garden.path() / "many/train", {"a", "b"}, 3000);
  Background select({"select", "--model", garden.model(), "--data", garden / "many", "--method", "grft",
                     "--batch-size", "6", "--out", garden / "s"},
                    notes / "err");
  for (int i = 0; i < 3000 && read_text(notes / "err").find("score 1/") == std::string::npos; ++i)
    ::usleep(10'000);
  ASSERT_TRUE(select.running());
  ::kill(select.process(), SIGINT);
  EXPECT_EQ(select.wait(), 128 + SIGINT);
  const std::string said = read_text(notes / "err");
  EXPECT_NE(said.find("stopped by SIGINT after scoring batch"), std::string::npos) << said;
  EXPECT_EQ(said.find("--resume"), std::string::npos) << said;
  EXPECT_FALSE(fs::exists(garden.path() / "s"));
}

TEST(IgnoredSignal, stays_ignored) {
  const Garden garden;
  const Outcome outcome =
      run(long_run(garden, "linear", garden.run_folder()) + Words{"--no-shuffle"},
          {.through = {"sh", "-c", "trap '' HUP; (sleep 0.1; kill -HUP $$) & exec \"$@\"", "sh"}});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

}  // namespace
}  // namespace end_to_end
