#include "engine/io/atomic_file.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/engine/io/temporary_folder.h"

namespace engine {
namespace {

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

TEST(AtomicFile, says_why_it_cannot_be_written) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<Error>([&] { AtomicFile(folder / "none/a"); }), HasSubstr("no such file or folder"));
  EXPECT_THAT(message_of<Error>([&] { AtomicFile(folder.path()); }), HasSubstr("is a folder"));
  EXPECT_THROW(AtomicFile(""), Error);
  EXPECT_THROW(AtomicFile(folder / "a/"), Error);
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
