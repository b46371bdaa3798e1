#include "engine/io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "engine/io/file.h"

namespace engine {
namespace {

/// Makes the names in `folder` survive a loss of power. Some file systems cannot and say EINVAL.
void sync_folder(const std::filesystem::path& folder, const std::string& path) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw_system_error(path, "its folder cannot be opened", errno);
  const int problem = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (problem != 0 && problem != EINVAL) throw_system_error(path, "its folder cannot be flushed", problem);
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path), folder_(path.parent_path()) {
  if (folder_.empty()) folder_ = ".";
  check(path_.has_filename(), path_.string() + ":", "a file name was expected");
  std::error_code ignored;
  check(!std::filesystem::is_directory(path_, ignored), path_.string() + ":", "is a folder, not a file");
  create();
}

void AtomicFile::create() {
  constexpr std::size_t kNameKept = 200;  // names have at most 255 bytes, and ours is longer
  constexpr int kAttempts = 1000;
  static std::atomic<unsigned> counter = 0;
  const std::string start = "." + path_.filename().string().substr(0, kNameKept) + ".tmp.";
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    temporary_ = folder_ / (start + std::to_string(::getpid()) + "." + std::to_string(counter++));
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor_ >= 0) return;
    if (errno != EEXIST && errno != EINTR) break;
  }
  throw_system_error(path_.string(), "cannot be written", errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!placed_) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 30;  // Linux writes at most 2 GiB in one call
  check(descriptor_ >= 0, path_.string() + ":", "is already complete");
  while (!bytes.empty()) {
    const ::ssize_t count = ::write(descriptor_, bytes.data(), std::min(bytes.size(), kAtOnce));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error(path_.string(), "cannot be written", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::close() {
  // Never a second try: after a failure it is not known whether the number already names another file.
  if (::close(std::exchange(descriptor_, -1)) != 0)
    throw_system_error(path_.string(), "cannot be written", errno);
}

void AtomicFile::commit() {
  check(descriptor_ >= 0, path_.string() + ":", "is already complete");
  if (::fsync(descriptor_) != 0) throw_system_error(path_.string(), "cannot be flushed", errno);
  close();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    throw_system_error(path_.string(), "cannot be put in its place", errno);
  placed_ = true;
  sync_folder(folder_, path_.string());
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

}  // namespace engine
