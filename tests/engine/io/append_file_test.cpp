#include "engine/io/append_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "engine/base/check.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/faulty_file_system.h"

namespace engine {
namespace {

using support::Fault;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(AppendFile, grows_at_its_end_and_keeps_what_was_there) {
  const TemporaryFolder folder;
  put(folder / "log", "old\n");
  AppendFile log(folder / "log");
  log.append("one\n");
  EXPECT_EQ(get(folder / "log"), "old\none\n");
  std::filesystem::resize_file(folder / "log", 0);  // emptied by someone else
  log.append("two\n");
  EXPECT_EQ(get(folder / "log"), "two\n");
}

TEST(AppendFile, writes_a_line_by_one_system_call) {
  const TemporaryFolder folder;
  support::FaultyFileSystem disk;
  const support::UseFileSystem use(disk);
  AppendFile log(folder / "log");
  log.append("one\n");
  log.append("two\n");
  EXPECT_THAT(disk.calls(), ElementsAre("open", "write", "write"));
}

TEST(AppendFile, syncs_its_content_always_and_its_name_once) {
  const TemporaryFolder folder;
  support::FaultyFileSystem disk;
  const support::UseFileSystem use(disk);
  AppendFile log(folder / "log");
  log.sync();
  EXPECT_THAT(disk.calls(), ElementsAre("open", "fsync", "open", "fsync", "close"));
  log.sync();
  EXPECT_EQ(disk.calls().size(), 6u);
}

TEST(AppendFile, takes_no_harm_from_a_signal_or_a_write_of_a_part) {
  for (long at = 1; at <= 3; ++at) {
    for (const auto kind : {Fault::Kind::fail, Fault::Kind::short_write}) {
      const TemporaryFolder folder;
      support::FaultyFileSystem disk({kind, at, EINTR});
      const support::UseFileSystem use(disk);
      AppendFile log(folder / "log");
      log.append("one line\n");
      log.sync();
      EXPECT_EQ(get(folder / "log"), "one line\n");
    }
  }
}

TEST(AppendFile, that_has_failed_fails_from_then_on) {
  for (const int error : {EIO, ENOSPC}) {
    for (const long at : {2, 3}) {  // the write, the fsync
      const TemporaryFolder folder;
      support::FaultyFileSystem disk({Fault::Kind::fail, at, error});
      const support::UseFileSystem use(disk);
      AppendFile log(folder / "log");
      const auto both = [&] {
        log.append("one\n");
        log.sync();
      };
      EXPECT_THAT(message_of<Error>(both), HasSubstr(std::system_category().message(error)));
      EXPECT_THAT(message_of<Error>([&] { log.sync(); }), HasSubstr((folder / "log").string()));
      EXPECT_THROW(log.append("two\n"), Error);
      EXPECT_EQ(disk.calls().size(), static_cast<std::size_t>(at)) << "nothing is tried again";
    }
  }
}

TEST(AppendFile, is_not_opened_through_a_link_or_in_place_of_a_folder_or_a_pipe) {
  const TemporaryFolder folder;
  put(folder / "mine", "keep");
  std::filesystem::create_symlink(folder / "mine", folder / "link");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const std::string name : {"link", "pipe", ""})
    EXPECT_THAT(message_of<Error>([&] { AppendFile(folder / name); }), HasSubstr((folder / name).string()));
  EXPECT_EQ(get(folder / "mine"), "keep");
}

}  // namespace
}  // namespace engine
