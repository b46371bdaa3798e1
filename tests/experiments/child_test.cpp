#include "tools/experiments/child.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace experiments {
namespace {

// The program that run_child() starts is this one. With this in its environment it takes its time before
// main(), and ends well unless a signal ends it.
constexpr const char* kSlow = "ESPALIER_SLOW_CHILD";
const bool slow = [] {
  if (!std::getenv(kSlow)) return false;
  constexpr int kSeconds = 20;
  for (int i = 0; i < 10 * kSeconds; ++i) ::usleep(100'000);
  ::_exit(0);
}();

ChildEnd run_slow_child(const ChildHooks& hooks) {
  ::setenv(kSlow, "1", 1);
  ChildEnd end = run_child({}, hooks);
  ::unsetenv(kSlow);
  return end;
}

std::atomic<int> noted{0};
extern "C" void note(int number) {
  noted = number;
}

/// Has SIGINT, SIGTERM and SIGHUP noted, as `compare` does, until the end of a test.
class NotedSignals {
 public:
  NotedSignals() {
    noted = 0;
    struct sigaction then {};
    then.sa_handler = note;
    then.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < std::size(kNumbers); ++i) ::sigaction(kNumbers[i], &then, &before_[i]);
  }
  ~NotedSignals() {
    for (std::size_t i = 0; i < std::size(kNumbers); ++i) ::sigaction(kNumbers[i], &before_[i], nullptr);
  }
  NotedSignals(const NotedSignals&) = delete;

 private:
  static constexpr int kNumbers[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before_[std::size(kNumbers)];
};

/// Signals that come during fork(): what is set here is raised at once, in the process of that side.
std::atomic<int> before_fork{0}, in_parent{0}, in_child{0};
void raise_once(std::atomic<int>& number) {
  if (const int now = number.exchange(0)) ::raise(now);
}
void watch_forks() {
  static const int done = ::pthread_atfork([] { raise_once(before_fork); }, [] { raise_once(in_parent); },
                                           [] { raise_once(in_child); });
  ASSERT_EQ(done, 0);
}

class SignalAtFork : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    watch_forks();
    for (auto* number : {&before_fork, &in_parent, &in_child}) *number = 0;  // what a child takes stays here
  }
  const NotedSignals signals_;
  const ChildHooks hooks_{.on_line = [](const std::string&) {}, .stop_signal = [] { return noted.load(); }};
};

TEST_P(SignalAtFork, ends_the_child_that_has_not_become_the_program_yet) {
  in_child = GetParam();
  EXPECT_EQ(run_slow_child(hooks_).status, 128 + GetParam()) << "noted before exec, it would be lost with it";
  EXPECT_EQ(noted, 0) << "it was not for this process";
}

TEST_P(SignalAtFork, is_noted_and_passed_on_when_it_comes_to_the_parent) {
  in_parent = GetParam();
  EXPECT_EQ(run_slow_child(hooks_).status, 128 + GetParam());
  EXPECT_EQ(noted, GetParam());
}

TEST_P(SignalAtFork, is_noted_and_passed_on_when_it_comes_to_the_parent_just_before) {
  before_fork = GetParam();
  EXPECT_EQ(run_slow_child(hooks_).status, 128 + GetParam());
  EXPECT_EQ(noted, GetParam());
}

INSTANTIATE_TEST_SUITE_P(, SignalAtFork, ::testing::Values(SIGINT, SIGTERM, SIGHUP), [](const auto& signal) {
  return std::string(signal.param == SIGINT ? "SIGINT" : signal.param == SIGTERM ? "SIGTERM" : "SIGHUP");
});

TEST(Child, that_ends_well_has_status_0_and_leaves_no_signal_of_its_parent_blocked) {
  ASSERT_FALSE(slow);
  EXPECT_EQ(run_child({"--gtest_list_tests"},
                      {.on_line = [](const std::string&) {}, .stop_signal = [] { return 0; }})
                .status,
            0);
  sigset_t blocked;
  ASSERT_EQ(::sigprocmask(SIG_BLOCK, nullptr, &blocked), 0);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGTSTP}) EXPECT_EQ(::sigismember(&blocked, number), 0);
}

}  // namespace
}  // namespace experiments
