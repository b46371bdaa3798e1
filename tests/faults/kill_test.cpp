#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "tests/faults/trial.h"
#include "tests/support/sanitizer.h"

namespace faults {
namespace {

constexpr int kKilled = 128 + SIGKILL;

/// True when a kill before this call leaves another state than one before the call ahead of it.
bool is_a_state_of_its_own(const Trial& trial, long number) {
  return number == 1 ||
         !(trial.is("fsync", number - 1) || trial.is("close", number - 1) || trial.is("flock", number - 1));
}

TEST(KilledRun, before_any_call_to_the_file_system_goes_on_to_the_same_end) {
  const Trial trial;
  long kills = 0;
  for (const long n : trial.numbers()) {
    if (!exhaustive() && !is_a_state_of_its_own(trial, n)) continue;
    const std::string fault = "kill_before:" + std::to_string(n);
    ASSERT_EQ(trial.start({}, fault).status, kKilled) << fault;
    trial.resume(fault);
    trial.clear();
    ++kills;
  }
  std::cout << trial.calls().size() << " calls, " << kills << " kills\n";
}

TEST(KilledRun, after_its_last_call_was_over) {
  const Trial trial;
  const long last = static_cast<long>(trial.calls().size());
  for (long n = exhaustive() ? 1 : last; n <= last; ++n) {  // after another is before the next
    const std::string fault = "kill_after:" + std::to_string(n);
    ASSERT_EQ(trial.start({}, fault).status, kKilled) << fault;
    trial.resume(fault);
    trial.clear();
  }
}

TEST(KilledRun, in_the_middle_of_any_write_goes_on_to_the_same_end) {
  const Trial trial;
  for (const long n : trial.numbers()) {
    if (!trial.is("write", n)) continue;
    const std::string fault = "kill_half:" + std::to_string(n);
    ASSERT_EQ(trial.start({}, fault).status, kKilled) << fault;
    trial.resume(fault);
    trial.clear();
  }
}

TEST(KilledRun, twice_more_while_it_goes_on_ends_the_same) {
  const Trial trial;
  const long count = static_cast<long>(trial.calls().size());
  const long stride = exhaustive() ? 1 : support::kSanitized ? count / 2 : count / 6;
  for (long n = 1; n <= count; n += stride) {
    for (const long second :
         {3L, 14L, 25L}) {  // a resumed run cuts its log, and then goes through checkpoints
      const std::string faults[] = {"kill_before:" + std::to_string(n), "kill_half:" + std::to_string(second),
                                    "kill_before:" + std::to_string(2 * second)};
      ASSERT_EQ(trial.start({}, faults[0]).status, kKilled);
      // Near its end a run may be over before the number is reached.
      EXPECT_TRUE(trial.start({"--resume"}, faults[1]).status % kKilled == 0);
      EXPECT_TRUE(trial.start({"--resume"}, faults[2]).status % kKilled == 0);
      trial.resume(faults[0] + ", " + faults[1] + ", " + faults[2]);
      trial.clear();
    }
  }
}

TEST(KilledRun, that_overwrites_another_goes_on_or_overwrites_again_to_the_same_end) {
  const Trial trial;
  constexpr long kRemovals = 30;  // the old files go first; the calls after that are those of a new run
  for (long n = 1; n <= kRemovals; n += exhaustive() ? 1 : support::kSanitized ? 9 : 3) {
    const std::string fault = "kill_before:" + std::to_string(n);
    ASSERT_EQ(trial.start().status, 0);
    ASSERT_EQ(trial.start({"--overwrite"}, fault).status, kKilled) << fault;
    trial.resume("overwriting, " + fault);

    ASSERT_EQ(trial.start({"--overwrite"}, fault).status, kKilled) << fault;
    EXPECT_EQ(trial.start({"--overwrite"}).status, 0);
    EXPECT_EQ(trial.difference(), "") << "overwriting twice, " + fault;
    trial.clear();
  }
}

/// ESPALIER_KILLS=200 kills that often.
TEST(KilledRun, at_random_moments_ends_the_same) {
  const char* wanted = std::getenv("ESPALIER_KILLS");
  const int kills = wanted ? std::stoi(wanted) : 5;
  const Trial trial;
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_EQ(trial.start().status, 0);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::mt19937 random(2024);
  std::uniform_real_distribution<double> moment(0, seconds);
  int done = 0, ended = 0;
  trial.clear();
  while (done < kills) {
    end_to_end::Background run(trial.words() + Words{"--resume"});
    std::this_thread::sleep_for(std::chrono::duration<double>(moment(random)));
    if (run.kill()) {
      ++done;
      continue;
    }
    EXPECT_EQ(trial.difference(), "") << "kill " + std::to_string(done);
    trial.clear();
    ++ended;
  }
  trial.resume("the last kill");
  std::cout << done << " kills, " << ended << " runs that ended between them\n";
}

}  // namespace
}  // namespace faults
