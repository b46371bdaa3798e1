#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/long_run.h"

namespace end_to_end {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Words kResume{"--resume"};

Words pause_after(const std::string& epoch) {
  return {"--pause-after-epoch", epoch};
}

/// The epochs, from 0, after which val was evaluated.
std::vector<int> evaluated_epochs(const fs::path& folder) {
  std::vector<int> all;
  for (const Json& line : of_kind(read_lines(folder / "metrics.jsonl"), "eval"))
    if (line["split"] == "val") all.push_back(line["epoch"]);
  return all;
}

class Pause : public ::testing::TestWithParam<Words> {};

TEST_P(Pause, changes_no_bit_of_the_run) {
  const Garden garden;
  const std::string method = GetParam()[0];
  const Words more{GetParam().begin() + 1, GetParam().end()};
  const fs::path whole = garden.run_folder("whole"), paused = garden.run_folder("paused");
  ASSERT_EQ(run(long_run(garden, method, whole, more)).status, 0);

  const Words words = long_run(garden, method, paused, more);
  const Outcome first = run(words + pause_after("3") + Words{"--json"});
  EXPECT_EQ(first.json(), read_json(paused / "paused.json"));
  EXPECT_EQ(first.json()["paused_after_epoch"], 3);
  EXPECT_FALSE(fs::exists(paused / "delta.safetensors"));
  EXPECT_FALSE(fs::exists(paused / "result.json"));
  EXPECT_THAT(evaluated_epochs(paused), ElementsAre(1, 2)) << "whether or not it was due";
  EXPECT_EQ(run(words + kResume + pause_after("3")).status, 0);
  EXPECT_THAT(evaluated_epochs(paused), ElementsAre(1, 2)) << "evaluated again, and logged once";
  ASSERT_TRUE(kill_at_step(words + kResume + pause_after("60"), paused, "20"));
  EXPECT_EQ(run(words + kResume + pause_after("2")).status, 0) << "which is over";
  EXPECT_GT(read_json(paused / "paused.json")["paused_after_epoch"], 3);
  const Outcome last = run(words + kResume);
  ASSERT_EQ(last.status, 0) << last.err;
  EXPECT_FALSE(fs::exists(paused / "paused.json"));

  // But for the evaluation that was not due the logs are the same.
  std::string log;
  for (const Json& line : read_lines(paused / "metrics.jsonl"))
    if (line["kind"] != "eval" || line["epoch"] != 2) log += line.dump() + '\n';
  write_text(paused / "metrics.jsonl", log);
  expect_same_run(paused, whole);
}

INSTANTIATE_TEST_SUITE_P(, Pause,
                         ::testing::Values(Words{"grft"},
                                           Words{"gps", "--keep", "best", "--grad-accum", "2"}),
                         [](const auto& c) { return c.param[0]; });

Words short_run(const Garden& garden, const fs::path& folder) {
  return Words{"tune"} + garden.job("grft") + Words{"--epochs", "5", "--out", folder};
}

TEST(PausedRun, costs_the_sum_of_its_parts_unless_something_in_between_is_lost) {
  const Garden garden;
  const fs::path folder = garden.run_folder();
  const Words words = short_run(garden, folder);
  ASSERT_EQ(run(words + pause_after("2")).status, 0);
  Json paused = read_json(folder / "paused.json");
  EXPECT_EQ(paused["resumed"], false);
  EXPECT_GT(paused["phases"]["score"], 0);
  paused["seconds"] = 1000.0, paused["phases"]["score"] = 500.0, paused["peak_mb"] = 1e6;
  write_text(folder / "paused.json", paused.dump());
  ASSERT_EQ(run(words + kResume + pause_after("4")).status, 0);
  paused = read_json(folder / "paused.json");
  EXPECT_GT(paused["seconds"], 1000.0);
  EXPECT_LT(paused["seconds"], 1100.0);
  EXPECT_EQ(paused["phases"]["score"], 500.0) << "no second scoring";
  EXPECT_EQ(paused["peak_mb"], 1e6);
  const Json result = run(words + kResume + Words{"--json"}).json();
  EXPECT_GT(result["seconds"], 1000.0);
  EXPECT_EQ(result["resumed"], false);
  EXPECT_EQ(run(words + kResume + Words{"--json"}).json()["seconds"], result["seconds"]);

  const fs::path killed = garden.run_folder("killed");
  const Words again = long_run(garden, "grft", killed);
  ASSERT_EQ(run(again + pause_after("2")).status, 0);
  ASSERT_TRUE(kill_at_step(again + kResume, killed, "20"));
  EXPECT_EQ(run(again + kResume + Words{"--json"}).json()["resumed"], true);
}

TEST(PausedRun, that_starts_over_knows_nothing_of_its_pause) {
  const Garden garden;
  const fs::path folder = garden.run_folder();
  const Words words = short_run(garden, folder);
  const Outcome paused = run(words + pause_after("2"));
  ASSERT_EQ(paused.status, 0) << paused.err;
  EXPECT_THAT(paused.out, HasSubstr("paused after epoch 2 ("));
  EXPECT_THAT(run(words).error(2), HasSubstr("go on with --resume"));
  ASSERT_EQ(run(words + Words{"--overwrite"}).status, 0);
  EXPECT_FALSE(fs::exists(folder / "paused.json"));
  EXPECT_THAT(read_json(folder / "config.json").value("pause_after_epoch", Json()), IsEmpty());
}

}  // namespace
}  // namespace end_to_end
