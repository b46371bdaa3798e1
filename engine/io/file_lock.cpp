#include "engine/io/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>

#include "engine/base/check.h"
#include "engine/io/file.h"

namespace engine {
namespace {

std::string this_process() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return say("process", ::getpid(), "on", host.data());
}

int try_lock(int descriptor, int kind) {
  return uninterrupted([&] { return file_system().flock(descriptor, kind | LOCK_NB); });
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path) : file_(path, FileSystem::For::lock) {
  held_ = try_lock(file_.descriptor(), LOCK_EX) == 0;
  if (!held_) {
    if (errno == EWOULDBLOCK) return;
    supported_ = errno != ENOLCK && errno != EOPNOTSUPP && errno != ENOSYS;
    if (supported_) throw_system_error(path.string(), "cannot be locked", errno);
  }
  if (uninterrupted([&] { return file_system().ftruncate(file_.descriptor(), 0); }) != 0)
    throw_system_error(path.string(), "cannot be written", errno);
  const std::string text = this_process() + '\n';
  file_.write(std::as_bytes(std::span(text)));
}

std::string FileLock::holder(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) return "";
  const bool free = try_lock(descriptor, LOCK_SH) == 0 || errno != EWOULDBLOCK;
  std::array<char, 300> text{};
  const ssize_t count = free ? 0 : ::read(descriptor, text.data(), text.size());
  ::close(descriptor);
  if (free) return "";
  const std::string line(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  const std::string first = line.substr(0, line.find('\n'));
  return first.empty() ? "another process" : first;
}

}  // namespace engine
