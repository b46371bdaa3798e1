#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/faults/trial.h"
#include "tests/support/sanitizer.h"

namespace faults {
namespace {

/// A run that keeps what its first block gives in a folder.
class KeptPrefix : public ::testing::Test {
 protected:
  KeptPrefix() {
    EXPECT_EQ(run_recorded(garden_ / "calls", words()).status, 0);
    whole_ = delta();
    calls_ = read_recording(garden_ / "calls");
    for (std::size_t n = 1; n <= calls_.size(); ++n) {
      if (calls_[n - 1].path.find("/kept") == std::string::npos) continue;
      if (first_ == 0) first_ = n;
      last_ = n;
    }
    clear();
  }
  Words words() const {
    return Words{"tune",
                 "--model",
                 garden_.model(),
                 "--data",
                 garden_.data(),
                 "--method",
                 "last-k",
                 "--blocks",
                 "1",
                 "--epochs",
                 "2",
                 "--lr",
                 "0.01",
                 "--batch-size",
                 "6",
                 "--out",
                 garden_.run_folder(),
                 "--prefix-cache",
                 garden_ / "kept"};
  }
  std::string delta() const {
    return end_to_end::read_text(fs::path(garden_.run_folder()) / "delta.safetensors");
  }
  void clear() const {
    fs::remove_all(garden_.run_folder());
    fs::remove_all(garden_ / "kept");
  }
  std::size_t stride() const { return support::kSanitized && !exhaustive() ? 7 : 1; }

  const end_to_end::Garden garden_;
  std::string whole_;
  std::vector<Call> calls_;
  std::size_t first_ = 0, last_ = 0;  ///< calls that touch the folder
};

TEST_F(KeptPrefix, that_cannot_be_written_is_noted_and_the_run_has_the_same_bits) {
  ASSERT_GT(last_, first_ + 15);
  for (std::size_t n = first_; n <= last_; n += stride()) {
    for (const char* kind : {"fail:", "fail_onward:"}) {
      const std::string fault = kind + std::to_string(n) + ":ENOSPC";
      const Outcome outcome = run_with(fault, words());
      if (kind == std::string("fail:")) {
        EXPECT_EQ(outcome.status, 0) << fault << ": " << outcome.err;
        EXPECT_TRUE(delta() == whole_) << fault;
        if (calls_[n - 1].name != "close") {  // of a file that is safe
          EXPECT_THAT(outcome.err, ::testing::HasSubstr("kept in memory alone")) << fault;
        }
      } else {  // the run itself cannot be written either
        EXPECT_EQ(outcome.status, 1) << fault;
      }
      EXPECT_THAT(leftovers(garden_ / "kept"), ::testing::IsEmpty()) << fault;
      clear();
    }
  }
}

TEST_F(KeptPrefix, of_a_run_that_was_killed_while_it_was_written_is_made_whole) {
  for (std::size_t n = first_; n <= last_; n += stride()) {
    const std::string fault = "kill_before:" + std::to_string(n);
    ASSERT_EQ(run_with(fault, words()).status, 128 + SIGKILL) << fault;
    const Outcome outcome = run_with("", words() + Words{"--resume"});
    EXPECT_EQ(outcome.status, 0) << fault << ": " << outcome.err;
    EXPECT_TRUE(delta() == whole_) << fault;
    clear();
  }
}

}  // namespace
}  // namespace faults
