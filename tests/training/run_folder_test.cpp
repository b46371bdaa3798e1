#include "tools/training/run_folder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/io/process_space.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/faulty_file_system.h"

namespace training {
namespace {

namespace fs = std::filesystem;

class NoLocks : public engine::FileSystem {
 public:
  int flock(int, int) override {
    errno = ENOLCK;
    return -1;
  }
};

TEST(RunFolder, is_cleared_without_a_lock_only_of_what_is_abandoned_for_certain) {
  ASSERT_NE(engine::process_space(), "") << "/proc says nothing here";
  const engine::TemporaryFolder folder;
  const fs::path run = folder / "run";
  { const RunFolder made(run, RunFolder::Existing::refuse); }
  const std::string start = ".config.json.tmp.";
  const fs::path gone = run / (start + engine::process_space() + ".999999999.0"),
                 lives = run / (start + engine::process_space() + '.' + std::to_string(::getpid()) + ".7"),
                 elsewhere = run / (start + "0123456789ab.999999999.0");
  for (const fs::path& path : {gone, lives, elsewhere}) engine::put(path, "half");
  {
    NoLocks disk;
    const support::UseFileSystem use(disk);
    const RunFolder unlocked(run, RunFolder::Existing::resume);
    EXPECT_FALSE(fs::exists(gone));
    EXPECT_TRUE(fs::exists(lives));
    EXPECT_TRUE(fs::exists(elsewhere));
  }
  const RunFolder locked(run, RunFolder::Existing::resume);
  EXPECT_FALSE(fs::exists(lives)) << "who has the lock is alone";
  EXPECT_FALSE(fs::exists(elsewhere));
}

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
