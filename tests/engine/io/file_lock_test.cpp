#include "engine/io/file_lock.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "engine/base/check.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/faulty_file_system.h"

namespace engine {
namespace {

using support::Fault;
using testing::HasSubstr;

TEST(FileLock, is_held_once_and_names_the_holder) {
  const TemporaryFolder folder;
  EXPECT_EQ(FileLock::holder(folder / "lock"), "");
  {
    const FileLock first(folder / "lock");
    EXPECT_TRUE(first.held());
    const FileLock second(folder / "lock");
    EXPECT_FALSE(second.held());
    EXPECT_TRUE(second.supported());
    const std::string me = "process " + std::to_string(::getpid()) + " on ";
    EXPECT_THAT(FileLock::holder(folder / "lock"), testing::StartsWith(me));
    EXPECT_EQ(get(folder / "lock"), FileLock::holder(folder / "lock") + "\n");
  }
  EXPECT_EQ(FileLock::holder(folder / "lock"), "") << "the text is still there, the lock is not";
  EXPECT_TRUE(FileLock(folder / "lock").held());
}

TEST(FileLock, goes_with_a_process_that_is_killed) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const FileLock lock(folder / "lock");
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_THAT(get(folder / "lock"), HasSubstr(std::to_string(child)));
  const FileLock next(folder / "lock");
  EXPECT_TRUE(next.held());
  EXPECT_THAT(get(folder / "lock"), testing::Not(HasSubstr(std::to_string(child) + " on")));
}

TEST(FileLock, is_taken_as_held_by_nobody_where_there_are_no_locks) {
  for (const int error : {ENOLCK, EOPNOTSUPP}) {
    const TemporaryFolder folder;
    support::FaultyFileSystem disk({Fault::Kind::fail, 2, error});
    const support::UseFileSystem use(disk);
    const FileLock lock(folder / "lock");
    EXPECT_FALSE(lock.held());
    EXPECT_FALSE(lock.supported());
    EXPECT_THAT(get(folder / "lock"), HasSubstr("process " + std::to_string(::getpid())));
  }
}

TEST(FileLock, names_the_file_that_cannot_be_written) {
  for (long at = 1; at <= 4; ++at) {  // open, flock, ftruncate, write
    const TemporaryFolder folder;
    support::FaultyFileSystem disk({Fault::Kind::fail, at, EIO});
    const support::UseFileSystem use(disk);
    EXPECT_THAT(message_of<Error>([&] { FileLock(folder / "lock"); }),
                testing::AllOf(HasSubstr((folder / "lock").string()), HasSubstr("output error")));
  }
}

TEST(FileLock, takes_no_harm_from_a_signal) {
  for (long at = 1; at <= 4; ++at) {
    const TemporaryFolder folder;
    support::FaultyFileSystem disk({Fault::Kind::fail, at, EINTR});
    const support::UseFileSystem use(disk);
    EXPECT_TRUE(FileLock(folder / "lock").held());
  }
}

TEST(FileLock, does_not_write_through_a_link) {
  const TemporaryFolder folder;
  put(folder / "mine", "keep");
  std::filesystem::create_symlink(folder / "mine", folder / "lock");
  EXPECT_THROW(FileLock(folder / "lock"), Error);
  EXPECT_EQ(get(folder / "mine"), "keep");
}

}  // namespace
}  // namespace engine
