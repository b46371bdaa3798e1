// What a command writes: never over what it reads, each output to its own place, and nothing left of a
// process that was killed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "engine/io/process_space.h"
#include "tests/end_to_end/long_run.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Outputs : public ::testing::Test {
 protected:
  Outputs() {
    garden_.tune("grft");
    fs::create_directories(garden_ / "base");
    fs::copy(garden_.model(), garden_ / "base/model.safetensors");
    write_text(garden_ / "base/config.json", R"({"num_classes":5})");
  }
  Words eval(const Words& more) const {
    return Words{"eval",
                 "--model",
                 garden_.model(),
                 "--delta",
                 garden_.run_folder() + "/delta.safetensors",
                 "--data",
                 garden_.data()} +
           more;
  }
  Surroundings here() const { return {.folder = garden_.path()}; }

  const Garden garden_;
};

TEST_F(Outputs, are_compared_with_each_other_by_absolute_paths) {
  const Words select = Words{"select"} + garden_.job("grft");
  for (const auto& [a, b] : {std::pair{"s", "./s"}, {"s", "x/../s"}, {"./y/../s", "s"}}) {
    fs::create_directories(garden_.path() / "x");
    fs::create_directories(garden_.path() / "y");
    const std::string error = run(select + Words{"--out", a, "--gradients", b}, here()).error(2);
    EXPECT_THAT(error, AllOf(HasSubstr("--out"), HasSubstr("--gradients")));
  }
  EXPECT_FALSE(fs::exists(garden_.path() / "s"));
}

TEST_F(Outputs, do_not_overwrite_an_input) {
  const std::string base = garden_ / "base", config = garden_ / "base/config.json",
                    image = garden_.data() + "/test/red/41.ppm", list = garden_ / "list.txt";
  write_text(list, "test/red/41.ppm 0\ntest/blue/41.ppm 1\n");
  const std::string delta = garden_.run_folder() + "/delta.safetensors";
  const std::string before = read_text(image), settings = read_text(config);
  const Words merge{"merge", "--model", base, "--delta", delta, "--force"};
  EXPECT_THAT(run(merge + Words{"--out", config}).error(2), HasSubstr("--model"));
  EXPECT_THAT(run(merge + Words{"--out", "base/../base/config.json"}, here()).error(2), HasSubstr("--model"));
  EXPECT_THAT(run(eval({"--logits", image})).error(2), HasSubstr("--data"));
  EXPECT_THAT(run(eval({"--logits", "data/test/red/41.ppm"}), here()).error(2), HasSubstr("--data"));
  const Words lists{"eval",        "--model", garden_.model(), "--delta",     delta,
                    "--test-list", list,      "--data-root",   garden_.data()};
  EXPECT_THAT(run(lists + Words{"--logits", list}).error(2), HasSubstr("--test-list"));
  EXPECT_THAT(run(lists + Words{"--logits", image}).error(2), HasSubstr("--data-root"));
  fs::create_directories(garden_.path() / "elsewhere");
  for (const std::string& line : {image, std::string("../data/test/red/41.ppm")}) {
    write_text(list, line + " 0\n../data/test/blue/41.ppm 1\n");
    const Words outside{"--test-list", list, "--data-root", garden_ / "elsewhere", "--logits", image};
    EXPECT_THAT(run(Words{"eval", "--model", garden_.model(), "--delta", delta} + outside).error(2),
                HasSubstr("is no safetensors file"));
  }
  EXPECT_EQ(read_text(image), before);
  EXPECT_EQ(read_text(config), settings);
}

TEST_F(Outputs, replace_safetensors_files_alone) {
  write_text(garden_ / "notes.md", "mine");
  EXPECT_THAT(run(eval({"--logits", garden_ / "notes.md"})).error(2), HasSubstr("notes.md"));
  EXPECT_EQ(read_text(garden_ / "notes.md"), "mine");
  write_text(garden_ / "empty", "");
  for (int time = 0; time < 2; ++time)
    EXPECT_EQ(run(eval({"--logits", garden_ / "empty"})).status, 0) << time;
}

TEST_F(Outputs, of_a_run_do_not_lie_among_the_images) {
  for (const char* out : {"data/train/new", "data/val/red/new", "data/../data/test"}) {
    const Words tune = Words{"tune", "--dry-run", "--out", out} + garden_.job("linear");
    EXPECT_THAT(run(tune, here()).error(2), HasSubstr("among the images")) << out;
  }
  EXPECT_EQ(run(Words{"tune", "--out", "data/runs/new"} + garden_.job("linear"), here()).status, 0);
}

TEST_F(Outputs, remove_what_a_dead_process_had_begun_and_leave_that_of_a_living_one) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  int status = 0;
  ::waitpid(child, &status, 0);
  const auto begun = [&](pid_t process, const std::string& space = engine::process_space()) {
    return garden_.path() / (".logits.safetensors.tmp." + space + '.' + std::to_string(process) + ".0");
  };
  const std::string elsewhere = "0123456789ab";  // where there may be a process of that number
  write_text(begun(child), "half");
  const Words words = eval({"--logits", garden_ / "logits.safetensors"});
  const Outcome cleared = run(words);
  EXPECT_EQ(cleared.status, 0) << cleared.err;
  EXPECT_FALSE(fs::exists(begun(child)));
  EXPECT_FALSE(cleared.noted(".tmp.")) << cleared.err;
  for (const fs::path& path : {begun(child), begun(::getpid()), begun(child, elsewhere)})
    write_text(path, "half");
  const Outcome outcome = run(words);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_FALSE(fs::exists(begun(child)));
  EXPECT_TRUE(fs::exists(begun(::getpid())));
  EXPECT_TRUE(fs::exists(begun(child, elsewhere)));
  EXPECT_TRUE(outcome.noted("2 files begun for it")) << outcome.err;
}

TEST_F(Outputs, of_two_runs_without_a_folder_at_once_have_two_folders) {
  const Words words = Words{"tune"} + garden_.job("linear") + Words{"--epochs", "1"};
  const Words twice{"sh", "-c", "\"$@\" > /dev/null & a=$!; \"$@\" > /dev/null & b=$!; wait $a && wait $b",
                    "sh"};
  const Outcome both = run(words, {.folder = garden_.path(), .through = twice});
  EXPECT_EQ(both.status, 0) << both.err;
  EXPECT_TRUE(fs::exists(garden_.path() / "runs/data-linear-1/result.json"));
  EXPECT_TRUE(fs::exists(garden_.path() / "runs/data-linear-2/result.json"));
}

TEST(ASignal, while_bad_images_are_looked_for_stops_a_run) {
  const Garden garden;
  const Folder notes;
  write_images(garden.path() / "many/train", {"a", "b"}, 3000);
  for (const int signal : {SIGINT, SIGTERM}) {
    Background looking(
        Words{"tune", "--model", garden.model(), "--data", garden / "many", "--method", "linear",
              "--on-bad-image", "skip", "--workers", "0", "--out", garden.run_folder()},
        notes / "err");
    for (int i = 0; i < 3000 && read_text(notes / "err").find("check train") == std::string::npos; ++i)
      ::usleep(1000);
    ::kill(looking.process(), signal);
    EXPECT_EQ(looking.wait(), 128 + signal);
    EXPECT_THAT(read_text(notes / "err"), HasSubstr("while looking for bad images in train"));
    EXPECT_FALSE(fs::exists(garden.run_folder()));
  }
}

/// The letter that /proc gives for what a process does: T for one that is stopped.
char state_of(int process) {
  const std::string path = "/proc/" + std::to_string(process) + "/stat";
  if (!fs::exists(path)) return '-';
  const std::string text = read_text(path);
  return text[text.rfind(')') + 2];
}

TEST(Suspension, of_a_comparison_suspends_its_run_too) {
  const Garden garden;
  Background compare(Words{"compare", "--out", garden / "compared", "--model", garden.model(), "--task",
                           "a=" + garden.data(), "--methods", "full", "--lrs", "0.001", "--steps", "100000",
                           "--batch-size", "6", "--threads", "1"});
  const std::string children = "/proc/" + std::to_string(compare.process()) + "/task/" +
                               std::to_string(compare.process()) + "/children";
  int child = 0;
  for (int i = 0; i < 10'000 && child == 0; ++i) {
    const std::string text = fs::exists(children) ? read_text(children) : "";
    if (!text.empty()) child = std::stoi(text);
    ::usleep(1000);
  }
  ASSERT_NE(child, 0);
  const auto both_are = [&](bool stopped) {
    for (int i = 0; i < 5'000; ++i) {
      if ((state_of(child) == 'T') == stopped && (state_of(compare.process()) == 'T') == stopped) return true;
      ::usleep(1000);
    }
    return false;
  };
  ::usleep(300'000);
  ::kill(compare.process(), SIGTSTP);
  EXPECT_TRUE(both_are(true));
  ::kill(compare.process(), SIGCONT);
  EXPECT_TRUE(both_are(false));
  ::kill(compare.process(), SIGTERM);
  EXPECT_EQ(compare.wait(), 128 + SIGTERM);
}

}  // namespace
}  // namespace end_to_end
