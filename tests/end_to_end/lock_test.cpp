#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kFailed = 1, kCalledWrongly = 2;

/// False when it does not come true within a minute.
bool wait_until(const std::function<bool()>& it_is_so) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!it_is_so()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// A run in the background that has begun to train and goes on for long.
class LongRun : public Garden {
 public:
  LongRun() : run_(words()) {
    EXPECT_TRUE(wait_until(
        [&] { return fs::exists(log()) && read_text(log()).find("\"step\"") != std::string::npos; }));
  }
  Words words() const {
    return Words{"tune"} + job("linear") +
           Words{"--steps", "1000000", "--save-every", "2", "--out", run_folder()};
  }
  fs::path log() const { return run_folder() + "/metrics.jsonl"; }
  Background& run() { return run_; }

 private:
  Background run_;
};

TEST(SecondRun, in_the_folder_of_one_that_is_at_work_is_refused_with_the_name_of_the_first) {
  LongRun first;
  const std::string holder = "process " + std::to_string(first.run().process()) + " on ";
  for (const Words& how : {Words{}, Words{"--resume"}, Words{"--overwrite"}}) {
    const std::string error = run(first.words() + how).error(kFailed);
    EXPECT_THAT(error, AllOf(HasSubstr(first.run_folder()), HasSubstr(holder), HasSubstr("--out")));
  }
  const auto size = fs::file_size(first.log());
  EXPECT_TRUE(wait_until([&] { return fs::file_size(first.log()) > size; })) << "the first is not disturbed";
  EXPECT_TRUE(first.run().running());
}

TEST(SecondRun, finds_the_first_before_it_loads_anything) {
  LongRun first;
  EXPECT_THAT(
      run({"tune", "--model", first / "missing", "--data", first / "missing", "--out", first.run_folder()})
          .error(kFailed),
      HasSubstr("is writing this run"));
}

TEST(SecondRun, goes_on_when_the_first_was_killed) {
  LongRun first;
  ASSERT_TRUE(wait_until([&] { return fs::exists(first.run_folder() + "/checkpoint.safetensors"); }));
  ASSERT_TRUE(first.run().kill());
  EXPECT_TRUE(fs::exists(first.run_folder() + "/run.lock"));
  const Outcome next = run(Words{"tune"} + first.job("linear") +
                           Words{"--steps", "3", "--out", first.run_folder(), "--overwrite"});
  EXPECT_EQ(next.status, 0) << next.err;
}

TEST(RunFolder, with_nothing_in_it_but_the_lock_of_a_killed_run_is_as_good_as_new) {
  for (const Words& how : {Words{}, Words{"--resume"}, Words{"--overwrite"}}) {
    const Garden garden;
    write_text(garden.run_folder() + "/run.lock", "process 1 on elsewhere\n");
    write_text(garden.run_folder() + "/.metrics.jsonl.tmp.0123456789ab.12.3", "{");
    garden.tune("linear", how);
    EXPECT_FALSE(fs::exists(garden.run_folder() + "/.metrics.jsonl.tmp.0123456789ab.12.3"));
  }
}

TEST(RunFolder, is_no_folder_that_has_other_things_besides_a_lock) {
  const Garden garden;
  write_text(garden.run_folder() + "/run.lock", "");
  write_text(garden.run_folder() + "/mine.txt", "");
  const Words words = Words{"tune"} + garden.job("linear") + Words{"--out", garden.run_folder()};
  for (const Words& how : {Words{}, Words{"--resume"}, Words{"--overwrite"}})
    EXPECT_THAT(run(words + how).error(kCalledWrongly), HasSubstr(garden.run_folder()));
  EXPECT_FALSE(fs::exists(garden.run_folder() + "/metrics.jsonl"));
}

TEST(RunFolder, is_cleared_of_what_a_killed_run_had_begun_to_write) {
  const Garden garden;
  garden.tune("linear");
  const fs::path folder = garden.run_folder();
  const Words begun{".checkpoint.safetensors.tmp.0123456789ab.17.0", ".config.json.tmp.unknown.17.1",
                    ".delta.safetensors.tmp.0123456789ab.17.2", ".metrics.jsonl.tmp.0123456789ab.17.3"},
      others{".mine.tmp.0123456789ab.17.0", ".delta.safetensors.tmp", "notes.txt"};
  for (const std::string& name : begun + others) write_text(folder / name, "half");
  garden.tune("linear", {"--resume"});
  for (const std::string& name : begun) EXPECT_FALSE(fs::exists(folder / name)) << name;
  for (const std::string& name : others) EXPECT_EQ(read_text(folder / name), "half") << name;
}

TEST(RunFolder, with_a_log_that_ends_in_the_middle_or_holds_nonsense_goes_on) {
  const Garden garden;
  garden.tune("linear");
  const fs::path log = garden.run_folder() + "/metrics.jsonl";
  const std::vector<Json> lines = read_lines(log);
  for (const std::string& tail :
       {std::string("{\"kind\":\"step\",\"ste"), std::string(4096, '\0'), std::string(3 << 20, 'x') + "\n",
        std::string("{\"kind\":7}\n[]\n{\"kind\":\"step\",\"step\":\"x\"}\n{\"kind\":\"step\"}\n\n"),
        "{\"kind\":\"step\",\"step\":1e99}\n" + std::string(100'000, '[')}) {
    write_text(log, read_text(log) + tail);
    garden.tune("linear", {"--resume"});
    std::vector<Json> now = read_lines(log);
    EXPECT_EQ(now.size(), lines.size()) << tail.substr(0, 40);
  }
}

}  // namespace
}  // namespace end_to_end
