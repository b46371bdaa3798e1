#include "engine/io/folder.h"

#include <gmock/gmock.h>

#include "engine/base/check.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/faulty_file_system.h"

namespace engine {
namespace {

namespace fs = std::filesystem;
using support::Fault;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Folders, are_made_with_those_above_and_every_new_name_is_synced) {
  const TemporaryFolder folder;
  support::FaultyFileSystem disk;
  const support::UseFileSystem use(disk);
  put(folder / "file", "");
  make_folders(folder / "a/b/");
  EXPECT_TRUE(fs::is_directory(folder / "a/b"));
  EXPECT_THAT(disk.calls(),
              ElementsAre("mkdir", "open", "fsync", "close", "mkdir", "open", "fsync", "close"));
}

TEST(Folders, that_are_there_and_in_use_are_left_alone) {
  const TemporaryFolder folder;
  support::FaultyFileSystem disk;
  const support::UseFileSystem use(disk);
  make_folders(folder / "a");
  put(folder / "a/file", "");
  const std::size_t calls = disk.calls().size();
  make_folders(folder / "a");
  EXPECT_EQ(disk.calls().size(), calls);
}

TEST(Folders, that_are_empty_get_their_name_synced_once_more) {
  const TemporaryFolder folder;
  put(folder / "file", "");
  fs::create_directory(folder / "a");  // as if the process was killed right then
  support::FaultyFileSystem disk;
  const support::UseFileSystem use(disk);
  make_folders(folder / "a");
  EXPECT_THAT(disk.calls(), ElementsAre("open", "fsync", "close"));
}

TEST(Folders, that_cannot_be_made_are_named) {
  const TemporaryFolder folder;
  put(folder / "file", "");
  EXPECT_THAT(message_of<Error>([&] { make_folders(folder / "file/a"); }),
              testing::AllOf(HasSubstr((folder / "file").string()), HasSubstr("File exists")));
  EXPECT_THAT(message_of<Error>([&] { make_folders(folder / std::string(300, 'n')); }),
              HasSubstr("too long"));
  for (long at = 1; at <= 3; ++at) {
    support::FaultyFileSystem disk({Fault::Kind::fail, at, EDQUOT});
    const support::UseFileSystem use(disk);
    EXPECT_THAT(message_of<Error>([&] { make_folders(folder / ("new" + std::to_string(at))); }),
                testing::AllOf(HasSubstr("new" + std::to_string(at)), HasSubstr("quota")));
  }
}

TEST(Folders, without_fsync_are_taken) {
  const TemporaryFolder folder;
  support::FaultyFileSystem disk({Fault::Kind::fail, 2, EINVAL});
  const support::UseFileSystem use(disk);
  sync_folder(folder.path(), "x");
  EXPECT_THAT(disk.calls(), ElementsAre("open", "fsync", "close"));
}

TEST(RemovedFile, is_gone_or_was_never_there) {
  const TemporaryFolder folder;
  put(folder / "a", "");
  remove_file(folder / "a");
  remove_file(folder / "a");
  EXPECT_THAT(folder.names(), IsEmpty());
  fs::create_directory(folder / "b");
  EXPECT_THAT(message_of<Error>([&] { remove_file(folder / "b"); }), HasSubstr((folder / "b").string()));
}

TEST(WritableFolder, is_found_out_without_changing_anything) {
  const TemporaryFolder folder;
  check_writable(folder.path(), "x");
  check_writable(folder / "a/b/c", "x");
  check_writable("", "x");
  EXPECT_THAT(folder.names(), IsEmpty());
  put(folder / "file", "");
  EXPECT_THAT(message_of<Error>([&] { check_writable(folder / "file/a", "my path"); }),
              testing::AllOf(HasSubstr("my path"), HasSubstr("is a file")));
  EXPECT_THAT(message_of<Error>([&] { check_writable(folder / std::string(300, 'n') / "a", "x"); }),
              HasSubstr("too long"));
  if (::geteuid() == 0) GTEST_SKIP() << "the superuser may write everywhere";
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THAT(message_of<Error>([&] { check_writable(folder / "a", "x"); }), HasSubstr("ermission"));
  fs::permissions(folder.path(), fs::perms::owner_all);
}

}  // namespace
}  // namespace engine
