#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/faults/trial.h"
#include "tests/support/sanitizer.h"

namespace faults {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// Runs the program below `sh -c script` in a mount namespace of its own; "$@" are the program and its words.
Words in_own_mounts(const std::string& script) {
  const char* rights = ::geteuid() == 0 ? "-m" : "-rm";
  return {"unshare", rights, "sh", "-c", script, "sh"};
}

bool may_mount() {
  return end_to_end::run({"--version"}, {.through = in_own_mounts("mount -t tmpfs none /mnt && \"$@\"")})
             .status == 0;
}

/// Runs on a disk of that many KiB; then, when that fails, on the same disk made larger.
std::string on_a_disk_of(long kib, const Trial& trial) {
  const std::string ground = trial.ground(), copy = trial.path() / "copy";
  return "mount -t tmpfs -o size=" + std::to_string(kib) + "k none " + ground +
         " || exit 90\n"
         "\"$@\"; status=$?\n"
         "ls -A " +
         trial.folder().string() +
         " | grep '^\\.' && exit 91\n"
         "if [ $status != 0 ]; then\n"
         "  mount -o remount,size=4m " +
         ground +
         " || exit 92\n"
         "  \"$@\" --resume > /dev/null 2> /dev/null || exit 93\n"
         "fi\n"
         "cp -r " +
         ground + " " + copy +
         "\n"
         "exit $status";
}

TEST(FullDisk, of_any_size_gives_success_or_one_clear_line_and_the_run_goes_on_when_there_is_room) {
  if (!may_mount()) GTEST_SKIP() << "this user may not mount a disk of a given size";
  const Trial trial;
  const long page = ::sysconf(_SC_PAGESIZE) / 1024, stride = support::kSanitized && !exhaustive() ? 5 : 1;
  long failures = 0;
  for (long kib = page;; kib += page * stride) {
    const Outcome outcome =
        end_to_end::run(trial.words(), {.through = in_own_mounts(on_a_disk_of(kib, trial))});
    ASSERT_LT(outcome.status, 90) << kib << " KiB: " << outcome.err;
    fs::rename(trial.path() / "copy/new", trial.ground() / "new");
    fs::remove(trial.path() / "copy");
    EXPECT_EQ(trial.difference(), "") << kib << " KiB";
    trial.clear();
    if (outcome.status == 0) break;
    ++failures;
    EXPECT_THAT(outcome.error(1),
                AllOf(HasSubstr(trial.ground().string()), HasSubstr("No space left on device")))
        << kib << " KiB";
  }
  EXPECT_GT(failures, 3);
  std::cout << failures << " sizes of the disk that are too small\n";
}

TEST(FileSizeLimit, gives_one_clear_line_and_the_run_goes_on_without_it) {
  const Trial trial;
  long failures = 0;
  for (long blocks = 4;;
       blocks *= 2) {  // of 512 bytes; LLVM's OpenMP takes 1 KiB of shared memory for itself
    const Words limited{"sh", "-c", "ulimit -f " + std::to_string(blocks) + "; exec \"$@\"", "sh"};
    const Outcome outcome = end_to_end::run(trial.words(), {.through = limited});
    if (outcome.status == 0) break;
    ++failures;
    EXPECT_THAT(outcome.error(1), AllOf(HasSubstr(trial.ground().string()), HasSubstr("File too large")));
    EXPECT_THAT(leftovers(trial.folder()), ::testing::IsEmpty());
    trial.resume(std::to_string(blocks) + " blocks");
    trial.clear();
  }
  EXPECT_GT(failures, 3);
}

TEST(ReadOnlyDisk, is_found_out_before_anything_is_loaded) {
  if (!may_mount()) GTEST_SKIP() << "this user may not mount a disk that is read-only";
  const Trial trial;
  const std::string missing = trial.path() / "missing";
  const std::string script = "mount -t tmpfs -o ro none " + trial.ground().string() + " && \"$@\"";
  const Outcome outcome =
      end_to_end::run({"tune", "--model", missing, "--data", missing, "--out", trial.folder()},
                      {.through = in_own_mounts(script)});
  EXPECT_THAT(outcome.error(1),
              AllOf(HasSubstr(trial.folder().string()), HasSubstr("Read-only file system")));
}

}  // namespace
}  // namespace faults
