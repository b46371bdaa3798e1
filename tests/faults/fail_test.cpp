#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <set>

#include "tests/faults/trial.h"

namespace faults {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kFaults[] = {"fail:N:ENOSPC", "fail:N:EIO", "fail_onward:N:EDQUOT",
                                   "fail_onward:N:ENOSPC", "fail_onward:N:EIO"};
const auto kReasons = AnyOf(HasSubstr("No space left on device"), HasSubstr("Input/output error"),
                            HasSubstr("Disk quota exceeded"));

std::string at(std::string fault, long number) {
  return fault.replace(fault.find('N'), 1, std::to_string(number));
}

/// The contents that files have had under any name in a recorded run.
std::set<std::string> contents_of(const std::vector<Call>& calls) {
  std::map<int, std::string> open;
  std::set<std::string> contents;
  for (const Call& call : calls) {
    if (call.name == "open") open[call.descriptor].clear();
    if (call.name == "write") open[call.descriptor] += call.bytes;
    if (call.name == "fsync") contents.insert(open[call.descriptor]);
  }
  return contents;
}

class FailedCall : public ::testing::Test {
 protected:
  /// Fails a run, looks at what it left, and goes on.
  void fail(long number, const std::string& fault) {
    const Outcome outcome = trial_.start({}, fault);
    if (outcome.status == 0) {
      EXPECT_TRUE(trial_.is("close", number))
          << fault << ": only a file that is not written may fail to be closed";
      EXPECT_EQ(trial_.difference(), "") << fault;
    } else {
      EXPECT_THAT(outcome.error(1), AllOf(HasSubstr(trial_.ground().string()), kReasons)) << fault;
      expect_old_or_new(fault);
      trial_.resume(fault);
    }
    trial_.clear();
  }

  void expect_old_or_new(const std::string& fault) const {
    // On a disk that fails altogether nothing can be removed either.
    if (!(fault.starts_with("fail_onward") && fault.ends_with("EIO"))) {
      EXPECT_THAT(leftovers(trial_.folder()), IsEmpty()) << fault;
    }
    if (!fs::exists(trial_.folder())) return;
    for (const auto& entry : fs::directory_iterator(trial_.folder())) {
      const std::string name = entry.path().filename();
      if (name.starts_with(".") || !name.ends_with(".safetensors")) continue;
      EXPECT_TRUE(whole_.contains(end_to_end::read_text(entry.path()))) << fault << ": " << name;
    }
  }

  const Trial trial_;
  const std::set<std::string> whole_ = contents_of(trial_.calls());
};

TEST_F(FailedCall, ends_the_run_with_one_clear_line_and_leaves_what_it_goes_on_from) {
  constexpr long kKinds = std::size(kFaults);  // 5: files are written by 8 calls, so that each meets each
  long failures = 0;
  for (const long n : trial_.numbers()) {
    for (long kind = 0; kind < kKinds; ++kind) {
      if (!exhaustive() && kind != n % kKinds) continue;
      fail(n, at(kFaults[kind], n));
      ++failures;
    }
  }
  std::cout << trial_.calls().size() << " calls, " << failures << " failures\n";
}

TEST_F(FailedCall, to_sync_is_never_made_again) {
  for (const long n : trial_.numbers()) {
    if (!trial_.is("fsync", n) || (!exhaustive() && n % 3 != 0)) continue;
    const std::string fault = at("fail:N:EIO", n);
    EXPECT_THAT(trial_.start({}, fault).error(1), HasSubstr("flushed to the disk")) << fault;
    trial_.clear();
  }
}

TEST_F(FailedCall, that_a_signal_interrupted_or_that_wrote_a_part_is_made_again) {
  for (const char* fault : {"each_interrupted", "each_short"}) {
    EXPECT_EQ(trial_.start({}, fault).status, 0) << fault;
    EXPECT_EQ(trial_.difference(), "") << fault;
    trial_.clear();
  }
  for (const long n : trial_.numbers()) {
    if (!exhaustive()) break;
    for (const char* kind : {"fail:N:EINTR", "short_write:N"}) {
      EXPECT_EQ(trial_.start({}, at(kind, n)).status, 0) << at(kind, n);
      EXPECT_EQ(trial_.difference(), "") << at(kind, n);
      trial_.clear();
    }
  }
}

TEST_F(FailedCall, of_a_resumed_run_leaves_what_it_goes_on_from) {
  const long count = static_cast<long>(trial_.calls().size());
  for (long n = 1; n <= 40; n += exhaustive() ? 1 : 6) {  // takes the log over and writes a checkpoint
    ASSERT_EQ(trial_.start({}, "kill_before:" + std::to_string(count * 2 / 3)).status, 128 + 9);
    const std::string fault = at(kFaults[n % std::size(kFaults)], n);
    const Outcome outcome = trial_.start({"--resume"}, fault);
    if (outcome.status != 0) {
      EXPECT_THAT(outcome.error(1), kReasons) << fault;
    }
    trial_.resume(fault);
    trial_.clear();
  }
}

TEST_F(FailedCall, to_lock_on_a_file_system_without_locks_is_noted_and_does_no_harm) {
  long lock = 1;
  while (!trial_.is("flock", lock)) ++lock;
  for (const char* fault : {"fail:N:ENOLCK", "fail:N:EOPNOTSUPP"}) {
    const Outcome outcome = trial_.start({}, at(fault, lock));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_TRUE(outcome.noted("has no locks")) << outcome.err;
    EXPECT_EQ(trial_.difference(), "");
    trial_.clear();
  }
}

}  // namespace
}  // namespace faults
