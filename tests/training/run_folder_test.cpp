#include "tools/training/run_folder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/engine/io/temporary_folder.h"

namespace training {
namespace {

TEST(RunFolder, keeps_of_its_log_what_a_resumed_run_does_not_write_again) {
  const engine::TemporaryFolder folder;
  const std::string kept = R"({"kind":"score","batch":1})"
                           "\n"
                           R"({"kind":"step","step":4})"
                           "\n"
                           R"({"kind":"eval","step":5})"
                           "\n";
  const std::string dropped = R"({"kind":"step","step":5})"
                              "\n"
                              R"({"kind":"eval","step":6})"
                              "\n"
                              R"({"kind":"step","step":18446744073709551615})"
                              "\n"
                              R"({"kind":"step","step":1.5})"
                              "\n"
                              R"({"kind":"step"})"
                              "\n"
                              R"({"kind":3,"step":1})"
                              "\n[]\n"
                              R"({"kind":"st)";
  engine::put(folder / "metrics.jsonl", kept + dropped);
  RunFolder run(folder.path(), RunFolder::Existing::resume);
  run.cut_log({.scores = 2, .steps = 5, .evaluated = 5});
  EXPECT_EQ(engine::get(folder / "metrics.jsonl"), kept);
}

}  // namespace
}  // namespace training
