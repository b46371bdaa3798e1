#include "tools/training/run_cost.h"

#include <gtest/gtest.h>

#include "tests/engine/io/temporary_folder.h"

namespace training {
namespace {

using engine::put;
using engine::TemporaryFolder;

const Pause kPause{
    .epoch = 2,
    .steps = 50,
    .cost = {.resumed = false, .seconds = 12.5, .peak_mb = 90, .phases = {{"score", 4.0}, {"step", 8.0}}}};

TEST(Pause, is_read_as_it_was_written) {
  const TemporaryFolder folder;
  EXPECT_FALSE(Pause::in(folder.path()));
  put(folder / "paused.json", kPause.to_json().dump());
  const auto read = Pause::in(folder.path());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->to_json(), kPause.to_json());
}

TEST(Pause, that_is_damaged_is_none) {
  const TemporaryFolder folder;
  const nlohmann::ordered_json sound = kPause.to_json();
  const std::string whole = sound.dump();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(folder / "paused.json", whole.substr(0, size));
    EXPECT_FALSE(Pause::in(folder.path())) << size;
  }
  for (const auto& [name, value] : sound.items()) {
    nlohmann::ordered_json wrong = sound;
    wrong[name] = "many";
    put(folder / "paused.json", wrong.dump());
    EXPECT_FALSE(Pause::in(folder.path())) << name;
  }
}

TEST(RunCost, of_both_parts_is_their_sum_and_the_higher_peak) {
  const RunCost part{.resumed = true,
                     .seconds = 7.5,
                     .peak_mb = 80,
                     .phases = {{"score", 0.0}, {"step", 6.0}, {"save", 1.0}}};
  const RunCost both = cost_of_both(kPause, 50, part);
  EXPECT_FALSE(both.resumed) << "nothing of it is lost";
  EXPECT_EQ(both.seconds, 20);
  EXPECT_EQ(both.peak_mb, 90);
  EXPECT_EQ(both.phases.dump(), R"({"score":4.0,"step":14.0,"save":1.0})");
  EXPECT_TRUE(cost_of_both(kPause, 75, part).resumed) << "what came between is not known";
  Pause after_a_kill = kPause;
  after_a_kill.cost.resumed = true;
  EXPECT_TRUE(cost_of_both(after_a_kill, 50, part).resumed);
}

}  // namespace
}  // namespace training
