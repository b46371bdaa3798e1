// What is scored once for all runs of a comparison.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/end_to_end/comparison.h"

namespace end_to_end {
namespace {

class CompareScores : public ::testing::Test {
 protected:
  Json compare(const std::string& rates) const {
    return run({"compare",
                "--out",
                garden_.out(),
                "--model",
                garden_.model(),
                "--task",
                "t=" + garden_.data(),
                "--methods",
                "grft;gps",
                "--lrs",
                rates,
                "--seeds",
                "1",
                "--epochs",
                "1",
                "--batch-size",
                "6",
                "--threads",
                "2",
                "--json"})
        .json();
  }
  static std::ptrdiff_t knew(const Json& all) {
    return std::ranges::count_if(all["runs"], [](const Json& run) { return run["knew_scores"].get<bool>(); });
  }

  Comparison garden_;
};

TEST_F(CompareScores, are_made_once_for_both_methods_and_for_rates_that_are_added) {
  const Json first = compare("0.003,0.03");
  ASSERT_EQ(first["runs"].size(), 6u);
  EXPECT_EQ(first["scorings"], 2) << "on train, and on train and val";
  EXPECT_EQ(knew(first), 4);
  const Json more = compare("0.001,0.003,0.01,0.03");
  ASSERT_EQ(more["runs"].size(), 10u);
  EXPECT_LE(more["scorings"], 2);
  for (const Json& one : more["runs"])
    EXPECT_TRUE(one["stage"] == "final" || one["lr"] == 0.003 || one["lr"] == 0.03 || one["knew_scores"]);

  // The same bits as a run that scores itself.
  const fs::path run_folder = garden_.run_of("t/gps/lr0.01-seed0-search");
  const Outcome alone = run({"tune",
                             "--out",
                             garden_ / "alone",
                             "--model",
                             garden_.model(),
                             "--data",
                             garden_.data(),
                             "--method",
                             "gps",
                             "--lr",
                             "0.01",
                             "--epochs",
                             "1",
                             "--batch-size",
                             "6",
                             "--threads",
                             "2",
                             "--no-test",
                             "--eval-every",
                             "1000000000"});
  EXPECT_EQ(alone.status, 0) << alone.err;
  for (const char* file : {"delta.safetensors", "selection.safetensors"})
    EXPECT_TRUE(read_text(run_folder / file) == read_text(fs::path(garden_ / "alone") / file)) << file;
  EXPECT_NE(read_text(run_folder / "metrics.jsonl").find("\"kind\":\"scores\""), std::string::npos);
}

}  // namespace
}  // namespace end_to_end
