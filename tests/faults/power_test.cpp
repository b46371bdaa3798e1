#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "tests/faults/crash_states.h"
#include "tests/faults/trial.h"
#include "tests/support/sanitizer.h"

namespace faults {
namespace {

/// Empties the files that are never read: the lock and those that were only begun.
Tree without_unread(Tree tree) {
  for (auto& [path, content] : tree.files) {
    const std::string name = fs::path(path).filename();
    if (name == "run.lock" || name.starts_with(".")) content.clear();
  }
  return tree;
}

/// Every state that a loss of power could leave during a recorded run, each once.
std::set<Tree> states_of(ForgetfulDisk disk, const std::vector<Call>& calls) {
  std::set<Tree> states;
  for (const Call& call : calls) {
    disk.perform(call);
    for (const Tree& state : disk.after_a_crash())
      states.insert(exhaustive() ? state : without_unread(state));
  }
  return states;
}

/// Goes on from each state to the end of the unbroken run.
void expect_each_goes_on(const Trial& trial, const std::set<Tree>& states) {
  long number = 0, resumed = 0;
  const long stride = support::kSanitized && !exhaustive() ? 13 : 1;
  for (const Tree& state : states) {
    if (number++ % stride != 0) continue;
    write_tree(state, trial.ground());
    std::string after = "state " + std::to_string(number) + ":";
    for (const auto& [path, content] : state.files)
      after += " " + fs::path(path).filename().string() + " (" + std::to_string(content.size()) + ")";
    resumed += trial.resume(after).noted("resuming after step");
  }
  std::cout << states.size() << " states; from " << resumed << " a checkpoint was gone on from\n";
  if (stride == 1) {
    EXPECT_GT(resumed, 0);
  }
}

TEST(LostPower, at_any_call_leaves_what_the_run_goes_on_from) {
  const Trial trial;
  expect_each_goes_on(trial, states_of(ForgetfulDisk(trial.ground()), trial.calls()));
}

TEST(LostPower, while_a_run_is_overwritten_leaves_what_the_run_goes_on_from) {
  const Trial trial;
  ASSERT_EQ(trial.start().status, 0);
  const ForgetfulDisk disk(trial.ground());
  const std::string recording = trial / "overwriting";
  ASSERT_EQ(run_recorded(recording, trial.words() + Words{"--overwrite"}).status, 0);
  std::vector<Call> calls = read_recording(recording);
  // Up to the first checkpoint; from then on it is as any other run.
  const auto placed = std::ranges::find_if(calls, [](const Call& call) {
    return call.name == "rename" && fs::path(call.to).filename() == "checkpoint.safetensors";
  });
  ASSERT_NE(placed, calls.end());
  calls.erase(placed, calls.end());
  expect_each_goes_on(trial, states_of(disk, calls));
}

TEST(LostPower, after_the_end_takes_nothing_of_the_result) {
  const Trial trial;
  ForgetfulDisk disk(trial.ground());
  for (const Call& call : trial.calls()) disk.perform(call);
  for (const Tree& state : disk.after_a_crash()) {
    write_tree(state, trial.ground());
    EXPECT_EQ(trial.difference(), "");
  }
}

/// A test of these tests.
TEST(LostPower, does_harm_without_fsync) {
  const Trial trial;
  ForgetfulDisk disk(trial.ground());
  std::set<int> folders;
  for (const Call& call : trial.calls()) {
    if (call.name == "open" && !fs::path(call.path).has_extension()) folders.insert(call.descriptor);
    if (call.name == "close") folders.erase(call.descriptor);
    if (call.name != "fsync" || folders.contains(call.descriptor)) disk.perform(call);
  }
  bool harm = false;
  for (const Tree& state : disk.after_a_crash()) {
    write_tree(state, trial.ground());
    harm = harm || trial.start({"--resume"}).status != 0 || !trial.difference().empty();
  }
  EXPECT_TRUE(harm);
}

}  // namespace
}  // namespace faults
