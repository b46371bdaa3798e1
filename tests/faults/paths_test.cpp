#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/end_to_end/garden.h"

namespace faults {
namespace {

namespace fs = std::filesystem;
using end_to_end::Garden;
using end_to_end::Outcome;
using end_to_end::Words;
using end_to_end::operator+;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// In front of the program, so that the superuser's rights do not count.
Words as_nobody() {
  if (::geteuid() != 0) return {};
  return {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
}

bool nobody_can_run() {
  return end_to_end::run({"--version"}, {.through = as_nobody()}).status == 0;
}

/// A garden that everyone may read, and a folder in it where nobody but the owner may write.
class Forbidden : public ::testing::Test {
 protected:
  Forbidden() {
    garden_.tune("grft");
    fs::create_directory(closed());
    fs::permissions(garden_.path(), fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
    fs::permissions(closed(), fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read |
                                  fs::perms::others_exec);
  }
  ~Forbidden() override { fs::permissions(closed(), fs::perms::owner_all); }
  fs::path closed() const { return garden_.path() / "closed"; }
  void expect_refused(const Words& words, const std::string& path) const {
    EXPECT_THAT(end_to_end::run(words, {.through = as_nobody()}).error(1),
                AllOf(HasSubstr(path), HasSubstr("Permission denied")));
  }

  const Garden garden_;
};

TEST_F(Forbidden, folders_are_found_out_before_anything_is_loaded) {
  if (!nobody_can_run()) GTEST_SKIP() << "the program lies where nobody else may run it";
  const std::string missing = garden_ / "missing", below = closed() / "a/b",
                    file = closed() / "x.safetensors";
  const Words job{"--model", missing, "--data", missing}, model{"--model", missing},
      delta{"--delta", missing};
  expect_refused(Words{"tune", "--out", below} + job, below);
  expect_refused(Words{"tune", "--out", closed()} + job, closed());
  expect_refused(Words{"select", "--method", "grft", "--out", file} + job, file);
  expect_refused(Words{"select", "--method", "grft", "--gradients", file} + job, file);
  expect_refused(Words{"merge", "--out", file} + model + delta, file);
  expect_refused(Words{"eval", "--data", missing, "--logits", file} + model + delta, file);
}

TEST_F(Forbidden, runs_of_others_are_not_gone_on_with) {
  if (!nobody_can_run() || ::geteuid() != 0) GTEST_SKIP() << "needs two users";
  for (const char* how : {"--resume", "--overwrite"})
    expect_refused(Words{"tune", how, "--out", garden_.run_folder()} + garden_.job("grft"),
                   garden_.run_folder());
  EXPECT_TRUE(fs::exists(garden_.run_folder() + "/result.json"));
}

class OddName : public ::testing::TestWithParam<std::pair<const char*, std::string>> {};

TEST_P(OddName, is_as_good_a_folder_as_any) {
  const Garden garden;
  const std::string& name = GetParam().second;
  const Words words = Words{"tune"} + garden.job("grft") + Words{"--steps", "2", "--out=" + name};
  fs::create_directory(garden.path() / "here");
  const end_to_end::Surroundings here{.folder = garden.path() / "here"};
  const fs::path folder = garden.path() / "here" / name;
  EXPECT_EQ(end_to_end::run(words, here).status, 0);
  const std::string delta = end_to_end::read_text(folder / "delta.safetensors");
  EXPECT_EQ(end_to_end::run(words, here).status, 2) << "it is there";
  EXPECT_EQ(end_to_end::run(words + Words{"--resume"}, here).status, 0);
  EXPECT_EQ(end_to_end::run(words + Words{"--overwrite"}, here).status, 0);
  EXPECT_TRUE(end_to_end::read_text(folder / "delta.safetensors") == delta);
}

INSTANTIATE_TEST_SUITE_P(, OddName,
                         ::testing::Values(std::pair{"spaces", " a b "}, std::pair{"line_break", "a\nb"},
                                           std::pair{"dash_in_front", "-run"},
                                           std::pair{"not_utf8", "\xff\xfe"},
                                           std::pair{"longest", std::string(255, 'n')},
                                           std::pair{"slash_behind", "a/b//"}, std::pair{"dots", "./a/../b"},
                                           std::pair{"like_a_glob", "*?[a]"}),
                         [](const auto& name) { return std::string(name.param.first); });

TEST(Path, that_is_too_long_or_leads_through_a_file_is_found_out_before_anything_is_loaded) {
  const Garden garden;
  const std::string missing = garden / "missing", file = garden.model() + "/run";
  const Words words{"tune", "--model", missing, "--data", missing, "--out"};
  for (const std::string& name : {std::string(256, 'n'), std::string(300, 'n') + "/run"})
    EXPECT_THAT(end_to_end::run(words + Words{garden.path() / name}).error(1), HasSubstr("name too long"));
  EXPECT_THAT(end_to_end::run(words + Words{file}).error(1), AllOf(HasSubstr(file), HasSubstr("is a file")));
  fs::create_symlink("loop", garden.path() / "loop");
  EXPECT_THAT(end_to_end::run(words + Words{garden.path() / "loop/run"}).error(1),
              HasSubstr("levels of symbolic links"));
}

TEST(RunFolder, may_be_a_link_to_another_place) {
  const Garden garden;
  fs::create_directory(garden.path() / "large_disk");
  fs::create_directory(garden.path() / "runs");
  fs::create_symlink(garden.path() / "large_disk", garden.run_folder());
  garden.tune("grft");
  EXPECT_TRUE(fs::is_regular_file(garden.path() / "large_disk/delta.safetensors"));
  garden.tune("grft", {"--resume"});
}

TEST(StandardOutput, that_nobody_reads_does_not_end_a_run) {
  const Garden garden;
  const Words words = Words{"tune"} + garden.job("grft") + Words{"--steps", "4", "--json", "--out"};
  const Words reader_gone{"sh", "-c", "{ sleep 0.2; \"$@\" 2>&1; echo $? > status; } | true; cat status",
                          "sh"};
  const std::string whole = garden.run_folder("whole"), unread = garden.run_folder("unread");
  EXPECT_EQ(end_to_end::run(words + Words{whole}).status, 0);
  const Outcome outcome =
      end_to_end::run(words + Words{unread}, {.folder = garden.path(), .through = reader_gone});
  EXPECT_EQ(outcome.out, "1\n") << "the result could not be printed";
  EXPECT_TRUE(end_to_end::read_text(unread + "/delta.safetensors") ==
              end_to_end::read_text(whole + "/delta.safetensors"));
  EXPECT_TRUE(fs::exists(unread + "/result.json"));
}

TEST(StandardOutput, that_is_full_fails_the_program_when_the_run_is_whole) {
  const Garden garden;
  const Words words =
      Words{"tune"} + garden.job("grft") + Words{"--steps", "4", "--out", garden.run_folder()};
  EXPECT_THAT(end_to_end::run(words, {.standard_out = "/dev/full"}).error(1), HasSubstr("standard output"));
  EXPECT_TRUE(fs::exists(garden.run_folder() + "/result.json"));
}

}  // namespace
}  // namespace faults
