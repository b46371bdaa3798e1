#include "tools/cli/interrupt.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

namespace cli {
namespace {

TEST(SecondSignal, leaves_at_once_with_its_own_status) {
  const auto twice = [] {
    note_signals();
    ::raise(SIGINT);
    if (noted_signal() != SIGINT) ::_exit(1);
    ::raise(SIGTERM);
    ::_exit(2);  // still here
  };
  EXPECT_EXIT(twice(), ::testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST(FirstSignal, is_noted_and_thrown_where_work_can_stop) {
  const auto once = [] {
    note_signals();
    check_interrupted("before any signal");
    ::raise(SIGHUP);
    try {
      check_interrupted("here");
    } catch (const Interrupted& stop) {
      ::_exit(std::string(stop.what()) == "stopped by SIGHUP here" ? 0 : 1);
    }
    ::_exit(2);
  };
  EXPECT_EXIT(once(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace cli
