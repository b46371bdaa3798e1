#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

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

TEST_F(WrittenFile, is_whole_and_the_status_says_what_stopped_the_command_whenever_it_is_stopped) {
  for (const Command& command : commands()) {
    const std::string& old = command.old;
    const std::string recording = garden_ / (std::string(command.name) + ".calls");
    ASSERT_EQ(run_recorded(recording, command.words).status, 0);
    std::map<std::string, std::string> whole;
    for (const std::string& file : command.files) whole[file] = end_to_end::read_text(file);
    const std::size_t calls = read_recording(recording).size();
    for (std::size_t n = 1; n <= calls; n += 3) {
      for (const std::string& file : command.files) end_to_end::write_text(file, old);
      const std::string fault = "stop_after:" + std::to_string(n);
      EXPECT_EQ(run_with(fault, command.words).status, 128 + SIGINT) << command.name << ", " << fault;
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

/// A folder of files that belong together: whatever call is the last, no weights stand beside a config of
/// others, and the same command then makes it whole.
TEST_F(WrittenFile, in_a_folder_of_an_export_stands_beside_its_own_config) {
  const std::string folder = garden_ / "results/exported";
  const Words base{"export", "--format", "timm", "--model", garden_.model(), "--out", folder};
  const Words tuned = base + Words{"--delta", garden_.run_folder() + "/delta.safetensors"};
  const auto content = [&] {
    std::map<std::string, std::string> files;
    for (const char* name : {"README.md", "config.json", "model.safetensors"}) {
      const std::string file = folder + "/" + name;
      if (end_to_end::fs::exists(file)) files[name] = end_to_end::read_text(file);
    }
    return files;
  };
  ASSERT_EQ(run_with("", base).status, 0);
  const auto old = content();
  const std::string recording = garden_ / "folder.calls";
  ASSERT_EQ(run_recorded(recording, tuned).status, 0);
  const auto whole = content();
  ASSERT_EQ(whole.size(), 3u);
  ASSERT_NE(old, whole);
  const std::size_t calls = read_recording(recording).size();
  for (std::size_t n = 1; n <= calls; ++n) {
    ASSERT_EQ(run_with("", base).status, 0);
    run_with("kill_after:" + std::to_string(n), tuned);
    const auto found = content();
    if (found.contains("model.safetensors")) {
      EXPECT_THAT(found, AnyOf(Eq(old), Eq(whole))) << n;
    }
    ASSERT_EQ(run_with("", tuned).status, 0) << n;
    EXPECT_EQ(content(), whole) << n;
    EXPECT_THAT(leftovers(folder), IsEmpty()) << n;
  }
}

}  // namespace
}  // namespace faults
