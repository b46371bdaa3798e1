#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/trial.h"

namespace faults {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A command that writes files, those files, and what may be in them before.
struct Command {
  const char* name;
  Words words;
  Words files;
  std::string old;
};

class WrittenFile : public ::testing::Test {
 protected:
  WrittenFile() { garden_.tune("grft"); }

  std::vector<Command> commands() const {
    const Words model{"--model", garden_.model()},
        delta{"--delta", garden_.run_folder() + "/delta.safetensors"};
    const std::string selection = out("selection"), gradients = out("gradients"), logits = out("logits"),
                      merged = out("merged"), onnx = garden_ / "results/model.onnx",
                      old = end_to_end::read_text(garden_.run_folder() + "/delta.safetensors");
    const Words exporting{"export", "--format", "onnx", "--out", onnx};
    EXPECT_EQ(run_with("", exporting + model).status, 0);
    const std::string old_onnx = end_to_end::read_text(onnx);
    return {
        {"select",
         Words{"select"} + garden_.job("grft") + Words{"--out", selection, "--gradients", gradients},
         {selection, gradients},
         old},
        {"eval", Words{"eval", "--data", garden_.data(), "--logits", logits} + model + delta, {logits}, old},
        {"merge", Words{"merge", "--out", merged} + model + delta, {merged}, old},
        {"export", exporting + model + delta, {onnx}, old_onnx}};
  }
  std::string out(const std::string& name) const { return garden_ / ("results/" + name + ".safetensors"); }

  const end_to_end::Garden garden_;
};

TEST_F(WrittenFile, is_the_old_or_the_new_one_whichever_call_fails) {
  for (const Command& command : commands()) {
    const std::string& old = command.old;
    const std::string recording = garden_ / (std::string(command.name) + ".calls");
    ASSERT_EQ(run_recorded(recording, command.words).status, 0);
    std::map<std::string, std::string> whole;
    for (const std::string& file : command.files) whole[file] = end_to_end::read_text(file);
    const std::vector<Call> calls = read_recording(recording);
    ASSERT_GE(calls.size(), 8 * command.files.size());
    for (std::size_t n = 1; n <= calls.size(); ++n) {
      const char* kind = n % 2 ? "fail:" : "fail_onward:";
      const std::string fault = kind + std::to_string(n) + (n % 3 ? ":ENOSPC" : ":EDQUOT");
      for (const std::string& file : command.files) end_to_end::write_text(file, old);
      const Outcome outcome = run_with(fault, command.words);
      // The folder that was synced is closed last; nothing depends on that.
      if (calls[n - 1].name == "close" && outcome.status == 0) continue;
      EXPECT_THAT(outcome.error(1), HasSubstr("/results/")) << command.name << ", " << fault;
      for (const std::string& file : command.files)
        EXPECT_THAT(end_to_end::read_text(file), AnyOf(Eq(old), Eq(whole[file])))
            << command.name << ", " << fault;
      EXPECT_THAT(leftovers(garden_.path() / "results"), IsEmpty()) << command.name << ", " << fault;
    }
  }
}

TEST_F(WrittenFile, takes_no_harm_from_signals_and_writes_of_a_part) {
  for (const Command& command : commands()) {
    ASSERT_EQ(run_with("", command.words).status, 0);
    for (const std::string& file : command.files) {
      const std::string whole = end_to_end::read_text(file);
      for (const char* fault : {"each_interrupted", "each_short"}) {
        EXPECT_EQ(run_with(fault, command.words).status, 0) << command.name << ", " << fault;
        EXPECT_TRUE(end_to_end::read_text(file) == whole) << command.name << ", " << fault;
      }
    }
  }
}

}  // namespace
}  // namespace faults
