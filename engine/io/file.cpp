#include "engine/io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace engine {

void throw_system_error(const std::string& path, const std::string& action, int number) {
  const std::string reason =
      number == ENOENT ? "no such file or folder" : std::generic_category().message(number);
  throw Error(say(path + ":", action + ":", reason));
}

File::File(const std::filesystem::path& path) : path_(path.string()) {
  // O_NONBLOCK: opening a named pipe would wait for a writer otherwise.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (descriptor_ < 0) throw_system_error(path_, "cannot be opened", errno);
  struct stat info {};
  try {
    if (::fstat(descriptor_, &info) != 0) throw_system_error(path_, "cannot be opened", errno);
    check(!S_ISDIR(info.st_mode), path_ + ":", "is a folder, not a file");
    check(S_ISREG(info.st_mode), path_ + ":", "is not a regular file");
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

File::File(File&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(std::exchange(other.size_, 0)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

void File::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  constexpr std::size_t kAtOnce = std::size_t{1} << 30;  // Linux reads at most 2 GiB in one call
  check(offset <= size_ && out.size() <= size_ - offset, path_ + ":", "has", size_, "bytes, but", out.size(),
        "from", offset, "on were asked for");
  while (!out.empty()) {
    const ::ssize_t count =
        ::pread(descriptor_, out.data(), std::min(out.size(), kAtOnce), static_cast<::off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error(path_, "cannot be read", errno);
    check(count > 0, path_ + ":", "became shorter while it was read");
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

std::string read_file(const std::filesystem::path& path, std::uint64_t limit) {
  const File file(path);
  check(file.size() <= limit, file.path() + ":", "has", file.size(), "bytes, more than the", limit,
        "allowed");
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace engine
