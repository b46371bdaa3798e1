#include "engine/io/atomic_file.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "engine/io/process_space.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/faulty_file_system.h"

namespace engine {
namespace {

using support::Fault;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void append(AtomicFile& file, std::string_view text) {
  file.write(std::as_bytes(std::span(text)));
}

TEST(AtomicFile, appears_with_commit) {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder / "a");
    append(file, "one ");
    append(file, "two");
    EXPECT_FALSE(std::filesystem::exists(folder / "a"));
    file.commit();
    EXPECT_EQ(get(folder / "a"), "one two");
    EXPECT_THROW(append(file, "three"), Error);
    EXPECT_THROW(file.commit(), Error);
  }
  EXPECT_EQ(get(folder / "a"), "one two");
  EXPECT_THAT(folder.names(), ElementsAre("a"));
}

TEST(AtomicFile, keeps_the_old_content_without_commit) {
  const TemporaryFolder folder;
  put(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    append(file, "new");
  }
  EXPECT_EQ(get(folder / "a"), "old");
  EXPECT_THAT(folder.names(), ElementsAre("a"));
}

TEST(AtomicFile, replaces_the_name_and_leaves_open_readers_their_content) {
  const TemporaryFolder folder;
  put(folder / "a", "old");
  std::ifstream reader(folder / "a");
  write_file(folder / "a", "new");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reader), {}), "old");
  EXPECT_EQ(get(folder / "a"), "new");
}

TEST(AtomicFile, two_at_once_do_not_meet) {
  const TemporaryFolder folder;
  AtomicFile a(folder / "x"), b(folder / "x");
  append(a, "a");
  append(b, "b");
  b.commit();
  a.commit();
  EXPECT_EQ(get(folder / "x"), "a");
  EXPECT_THAT(folder.names(), ElementsAre("x"));
}

TEST(AtomicFile, follows_the_umask) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_file(folder / "a", "x");
  ::umask(before);
  struct stat info {};
  ASSERT_EQ(::stat((folder / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0640u);
}

TEST(AtomicFile, keeps_the_permissions_of_the_file_it_replaces) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  for (const mode_t mode : {0600u, 0666u, 0644u, 0640u}) {
    put(folder / "a", "old");
    ASSERT_EQ(::chmod((folder / "a").c_str(), mode), 0);
    write_file(folder / "a", "new");
    struct stat info {};
    ASSERT_EQ(::stat((folder / "a").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777u, mode);
    EXPECT_EQ(get(folder / "a"), "new");
  }
  ::umask(before);
}

TEST(AtomicFile, is_never_more_open_than_the_file_it_replaces) {
  const TemporaryFolder folder;
  put(folder / "a", "old");
  ASSERT_EQ(::chmod((folder / "a").c_str(), 0600), 0);
  AtomicFile file(folder / "a");
  for (const auto& item : std::filesystem::directory_iterator(folder.path())) {
    struct stat info {};
    ASSERT_EQ(::stat(item.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0600u) << item.path();
  }
}

TEST(AtomicFile, syncs_content_before_the_name_changes_and_the_name_after_it) {
  const TemporaryFolder folder;
  support::FaultyFileSystem disk;
  const support::UseFileSystem use(disk);
  AtomicFile file(folder / "a");
  append(file, "small writes ");
  append(file, "are collected");
  file.commit();
  EXPECT_THAT(disk.calls(),
              ElementsAre("open", "write", "fsync", "close", "rename", "open", "fsync", "close"));
}

TEST(AtomicFile, holds_writes_of_all_sizes_in_their_order) {
  const TemporaryFolder folder;
  std::string expected;
  {
    AtomicFile file(folder / "a");
    for (const std::size_t size : {1, 65'535, 65'536, 65'537, 0, 2, 40'000, 40'000, 200'000, 3}) {
      const std::string text(size, static_cast<char>('a' + size % 26));
      append(file, text);
      expected += text;
    }
    file.commit();
  }
  EXPECT_TRUE(get(folder / "a") == expected);
}

/// The calls that an AtomicFile of two writes makes, and that of them from which on the new content is in
/// place.
constexpr long kCalls = 9, kPlaced = 7;

void write_twice(const TemporaryFolder& folder) {
  AtomicFile file(folder / "a");
  append(file, std::string(70'000, 'n'));
  append(file, "new");
  file.commit();
}

TEST(AtomicFile, takes_no_harm_from_a_signal_or_a_write_of_a_part) {
  for (long at = 1; at <= kCalls; ++at) {
    for (const auto kind : {Fault::Kind::fail, Fault::Kind::short_write}) {
      const TemporaryFolder folder;
      put(folder / "a", "old");
      support::FaultyFileSystem disk({kind, at, EINTR});
      const support::UseFileSystem use(disk);
      write_twice(folder);
      EXPECT_TRUE(get(folder / "a") == std::string(70'000, 'n') + "new") << at;
      EXPECT_THAT(folder.names(), ElementsAre("a"));
    }
  }
}

TEST(AtomicFile, is_whole_or_not_there_whichever_call_fails) {
  for (const int error : {ENOSPC, EIO, EDQUOT}) {
    for (const auto kind : {Fault::Kind::fail, Fault::Kind::fail_onward}) {
      for (long at = 1; at < kCalls; ++at) {  // the last one closes the folder, which means nothing
        const TemporaryFolder folder;
        put(folder / "a", "old");
        support::FaultyFileSystem disk({kind, at, error});
        const support::UseFileSystem use(disk);
        EXPECT_THAT(message_of<Error>([&] { write_twice(folder); }),
                    AllOf(HasSubstr((folder / "a").string() + ":"),
                          HasSubstr(std::system_category().message(error))));
        EXPECT_EQ(get(folder / "a") == "old", at < kPlaced) << at;
        const int syncs = at < 4 ? 0 : at < 8 ? 1 : 2;
        EXPECT_EQ(std::ranges::count(disk.calls(), "fsync"), syncs) << "none is tried again";
        if (kind == Fault::Kind::fail_onward && error == EIO) continue;  // nothing can be removed either
        EXPECT_THAT(folder.names(), ElementsAre("a"));
      }
    }
  }
}

TEST(AtomicFile, knows_the_hidden_names_of_its_kind) {
  const TemporaryFolder folder;
  for (const std::string& name : {std::string("a.json"), std::string(255, 'n')}) {
    const AtomicFile file(folder / name);
    ASSERT_EQ(folder.names().size(), 1u);
    EXPECT_TRUE(AtomicFile::is_temporary(folder.names()[0], name));
    EXPECT_FALSE(AtomicFile::is_temporary(folder.names()[0], "b.json"));
  }
  EXPECT_TRUE(AtomicFile::is_temporary(".a.json.tmp.0123456789ab.1.2", "a.json"));
  EXPECT_TRUE(AtomicFile::is_temporary(".a.json.tmp.unknown.1.2", "a.json"));
  for (const char* other :
       {"a.json", ".a.json.tmp.", ".a.json.tmp.1", ".a.json.tmp.1.2", ".a.json.tmp.1.2.3",
        ".a.json.tmp.0123456789ab", ".a.json.tmp.0123456789ab.", ".a.json.tmp.0123456789ab.1",
        ".a.json.tmp.0123456789ab.1.", ".a.json.tmp.0123456789ab..1", ".a.json.tmp.0123456789ab.1.x",
        ".a.json.tmp.0123456789ab.1.2.3", ".a.json.tmp.0123456789AB.1.2", ".a.json.tmp.0123456789abc.1.2",
        ".a.json.tmp.0123456789ab.1234567890123456789.2", "a.json.tmp.0123456789ab.1.2"})
    EXPECT_FALSE(AtomicFile::is_temporary(other, "a.json")) << other;
}

/// ".a.tmp.SPACE.PROCESS.0"
std::string begun(const std::string& space, const std::string& process) {
  return ".a.tmp." + space + '.' + process + ".0";
}

TEST(AtomicFile, is_abandoned_when_its_process_has_ended_here) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    new AtomicFile(folder / "a");
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_EQ(folder.names().size(), 1u);
  ASSERT_NE(process_space(), "") << "/proc says nothing here";
  EXPECT_THAT(folder.names()[0],
              testing::StartsWith(".a.tmp." + process_space() + '.' + std::to_string(child) + '.'));
  EXPECT_TRUE(AtomicFile::is_abandoned(folder.names()[0], "a"));
  EXPECT_FALSE(AtomicFile::is_abandoned(folder.names()[0], "b"));
}

TEST(AtomicFile, is_not_abandoned_while_its_process_lives_or_where_nothing_is_known_of_it) {
  const TemporaryFolder folder;
  const AtomicFile living(folder / "a");
  EXPECT_FALSE(AtomicFile::is_abandoned(folder.names()[0], "a"));
  const std::string gone = "999999999";  // there are at most 2^22 processes
  const std::string elsewhere = process_space() == "0123456789ab" ? "ba9876543210" : "0123456789ab";
  EXPECT_TRUE(AtomicFile::is_abandoned(begun(process_space(), gone), "a"));
  EXPECT_FALSE(AtomicFile::is_abandoned(begun(elsewhere, gone), "a")) << "another machine's";
  EXPECT_FALSE(AtomicFile::is_abandoned(begun("unknown", gone), "a"));
  EXPECT_FALSE(AtomicFile::is_abandoned(begun(process_space(), "1"), "a")) << "that of another user";
  for (const char* process : {"0", "4294967297", "999999999999999999"})  // no number of a process
    EXPECT_FALSE(AtomicFile::is_abandoned(begun(process_space(), process), "a")) << process;
}

TEST(AtomicFile, says_why_it_cannot_be_written) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<Error>([&] { AtomicFile(folder / "none/a"); }), HasSubstr("no such file or folder"));
  EXPECT_THAT(message_of<Error>([&] { AtomicFile(folder.path()); }), HasSubstr("is a folder"));
  EXPECT_THROW(AtomicFile(""), Error);
  EXPECT_THROW(AtomicFile(folder / "a/"), Error);
}

TEST(AtomicFile, does_not_take_the_place_of_a_pipe_or_a_device) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/null", folder / "link");
  for (const std::string name : {"pipe", "link"})
    EXPECT_THAT(message_of<Error>([&] { write_file(folder / name, "x"); }), HasSubstr("not a regular file"));
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
}

TEST(AtomicFile, takes_the_longest_name) {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  write_file(folder / name, "x");
  EXPECT_EQ(get(folder / name), "x");
}

TEST(AtomicFile, keeps_the_old_content_when_the_disk_is_full) {
  const TemporaryFolder folder;
  put(folder / "a", "old");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1000;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string message = message_of<Error>([&] { write_file(folder / "a", std::string(5000, 'x')); });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, HasSubstr("cannot be written: File too large"));
  EXPECT_EQ(get(folder / "a"), "old");
  EXPECT_THAT(folder.names(), ElementsAre("a"));
}

}  // namespace
}  // namespace engine
