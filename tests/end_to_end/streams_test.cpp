#include <gtest/gtest.h>

#include <algorithm>

#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

TEST(StandardStreams, that_are_closed_do_no_harm_to_the_files) {
  // With every option about the images given, no note comes before the first file is opened.
  const Words more{"--mean",  "0.5,0.5,0.5", "--std",  "0.5,0.5,0.5", "--interpolation",
                   "bicubic", "--resize",    "squash", "--json"};
  const Garden garden;
  EXPECT_EQ(garden.tune("linear", more, "whole").err.find("note"), std::string::npos);
  const fs::path whole = garden.run_folder("whole"), broken = garden.run_folder("broken");
  for (const auto& [redirections, status] : {std::pair{">&-", 1}, {"2>&-", 0}, {"<&- >&- 2>&-", 1}}) {
    const Words words = Words{"tune"} + garden.job("linear") +
                        Words{"--out", broken, "--epochs", "2", "--lr", "0.01", "--overwrite"} + more;
    const Outcome outcome = run(words, {.through = through_shell(redirections)});
    EXPECT_EQ(outcome.status, status) << redirections << ": " << outcome.err;
    const std::string lock = read_text(broken / "run.lock");
    EXPECT_EQ(std::ranges::count(lock, '\n'), 1) << lock;
    EXPECT_EQ(read_lines(broken / "metrics.jsonl").size(), read_lines(whole / "metrics.jsonl").size());
    EXPECT_TRUE(read_text(broken / "delta.safetensors") == read_text(whole / "delta.safetensors"));
  }
}

}  // namespace
}  // namespace end_to_end
