#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <sstream>

#include "tests/end_to_end/comparison.h"

namespace end_to_end {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

int allowed_processors() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/// Surroundings with these variables, and with none other that speaks of threads.
Surroundings with(const Words& variables) {
  Words through{"env"};
  for (const char* name : {"OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_WAIT_POLICY",
                           "GOMP_SPINCOUNT", "GOMP_CPU_AFFINITY"})
    through = through + Words{"-u", name};
  return {.through = through + variables};
}

/// The lines on stderr that say how many threads there are.
Words lines_of_threads(const Outcome& outcome) {
  std::istringstream all(outcome.err);
  Words found;
  for (std::string line; std::getline(all, line);)
    if (line.find(" threads: ") != std::string::npos || line.find("1 thread: ") != std::string::npos)
      found.push_back(line);
  return found;
}

class ThreadsOfTheProgram : public ::testing::Test {
 protected:
  Words predict(const Words& more = {}) const {
    return Words{"predict", "--model", garden_.model(), garden_.data() + "/test/red/41.ppm"} + more;
  }
  Words tune(const std::string& name) const {
    return {"tune",     "--model", garden_.model(),         "--data", garden_.data(),
            "--method", "linear",  "--batch-size",          "6",      "--epochs",
            "1",        "--out",   garden_.run_folder(name)};
  }
  /// The line of `predict` in these surroundings.
  std::string line(const Words& variables, const Words& more = {}) const {
    const Outcome outcome = run(predict(more), with(variables));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const Words lines = lines_of_threads(outcome);
    EXPECT_EQ(lines.size(), 1u) << outcome.err;
    return lines.empty() ? "" : lines[0];
  }
  const Comparison garden_;
};

TEST_F(ThreadsOfTheProgram, are_what_OMP_NUM_THREADS_says_and_threads_beats_it) {
  EXPECT_EQ(line({"OMP_NUM_THREADS=3"}), "3 threads: OMP_NUM_THREADS");
  EXPECT_EQ(line({"OMP_NUM_THREADS=1,7"}), "1 thread: OMP_NUM_THREADS");
  EXPECT_EQ(line({"OMP_NUM_THREADS=3"}, {"--threads", "2"}), "2 threads: --threads");
}

TEST_F(ThreadsOfTheProgram, do_not_follow_an_OMP_NUM_THREADS_that_makes_no_sense) {
  const Outcome outcome = run(predict(), with({"OMP_NUM_THREADS=many"}));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(outcome.noted("note: OMP_NUM_THREADS")) << outcome.err;
  EXPECT_EQ(lines_of_threads(outcome), lines_of_threads(run(predict(), with({}))));
  EXPECT_THAT(run(predict({"--strict"}), with({"OMP_NUM_THREADS=many"})).error(1),
              HasSubstr("OMP_NUM_THREADS"));
}

TEST_F(ThreadsOfTheProgram, use_all_processors_though_OpenMP_binds_the_first_thread_to_one) {
  const std::string unbound = line({});
  if (allowed_processors() > 1) {
    EXPECT_THAT(unbound, Not(HasSubstr("1 thread:")));
  }
  for (const char* variable :
       {"OMP_PROC_BIND=true", "OMP_PROC_BIND=close", "OMP_PLACES=cores", "OMP_PLACES=threads"}) {
    EXPECT_EQ(line({variable}), unbound) << variable;
    EXPECT_EQ(line({variable, "OMP_WAIT_POLICY=passive"}), unbound) << variable;
  }
}

TEST_F(ThreadsOfTheProgram, are_no_more_than_the_processors_that_it_may_run_on) {
  if (allowed_processors() < 2) GTEST_SKIP() << "there is one processor";
  cpu_set_t before, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int number = 0; number < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++number)
    if (CPU_ISSET(number, &before)) CPU_SET(number, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  const std::string unbound = line({}), bound = line({"OMP_PROC_BIND=true"});
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_THAT(unbound, HasSubstr("1 thread: this process may run on 1 of "));
  EXPECT_EQ(bound, unbound);
}

TEST_F(ThreadsOfTheProgram, are_recorded_with_their_reason_which_is_no_part_of_a_run) {
  const Outcome three = run(tune("run"), with({"OMP_NUM_THREADS=3"}));
  EXPECT_EQ(three.status, 0) << three.err;
  const Json config = read_json(garden_.run_folder() + "/config.json");
  EXPECT_EQ(config["threads"], 3);
  EXPECT_EQ(config["threads_from"], "OMP_NUM_THREADS");
  EXPECT_FALSE(config["identity"].contains("threads_from"));
  const Outcome again = run(tune("run") + Words{"--resume"}, with({"OMP_NUM_THREADS=1"}));
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(read_json(garden_.run_folder() + "/config.json")["threads"], 1);
  ASSERT_EQ(run(tune("other"), with({"OMP_NUM_THREADS=1"})).status, 0);
  EXPECT_TRUE(read_text(garden_.run_folder() + "/delta.safetensors") ==
              read_text(garden_.run_folder("other") + "/delta.safetensors"));
}

TEST_F(ThreadsOfTheProgram, are_said_once_by_every_command_that_computes) {
  const Words model{"--model", garden_.model()};
  ASSERT_EQ(run(tune("run"), with({})).status, 0);
  const std::string delta = garden_.run_folder() + "/delta.safetensors";
  const Words with_delta = model + Words{"--delta", delta};
  for (const Words& words :
       {tune("second"),
        Words{"select", "--data", garden_.data(), "--method", "grft", "--batch-size", "6"} + model,
        Words{"eval", "--data", garden_.data()} + with_delta, predict({"--delta", delta}),
        Words{"merge", "--out", garden_ / "merged.safetensors"} + with_delta,
        Words{"bench", "infer", "--arch", "vit_tiny_patch16_224", "--batch", "1", "--repeats", "1"}}) {
    const Outcome outcome = run(words, with({"OMP_NUM_THREADS=2"}));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(lines_of_threads(outcome), Words{"2 threads: OMP_NUM_THREADS"}) << words[0];
  }
}

TEST_F(ThreadsOfTheProgram, are_as_many_in_the_runs_of_a_comparison_as_in_itself) {
  Words words = garden_.words();
  const auto option = std::ranges::find(words, "--threads");
  words.erase(option, option + 2);
  for (const auto& [name, value] : {std::pair{"--lrs", "0.003"}, {"--seeds", "1"}, {"--epochs", "1"}})
    *(std::ranges::find(words, name) + 1) = value;
  // The comparison is bound to one processor, and what it starts would be, too.
  const Outcome outcome = run(words, with({"OMP_PROC_BIND=true", "OMP_WAIT_POLICY=passive"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Words lines = lines_of_threads(outcome);
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines[0], line({}));
  for (const std::string& one : lines) EXPECT_THAT(one, HasSubstr(lines[0]));
  const Json config = read_json(garden_.run_of("colours/linear/lr0.003-seed0-final") / "config.json");
  EXPECT_EQ(config["threads"], read_json(fs::path(garden_.out()) / "compare.json")["settings"]["threads"]);
  EXPECT_THAT(lines[0], HasSubstr(config["threads_from"].get<std::string>()));
}

}  // namespace
}  // namespace end_to_end
