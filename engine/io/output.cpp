#include "engine/io/output.h"

#include <algorithm>
#include <utility>

#include "engine/io/file.h"

namespace engine {

int try_open(const std::filesystem::path& path, FileSystem::For purpose, mode_t mode) {
  return uninterrupted([&] { return file_system().open(path.c_str(), purpose, mode); });
}

Output::Output(const std::filesystem::path& path, FileSystem::For purpose, mode_t mode)
    : shown_(path.string()), descriptor_(try_open(path, purpose, mode)) {
  if (descriptor_ < 0) throw_system_error(shown_, "cannot be written", errno);
}

Output::~Output() {
  if (is_open()) file_system().close(descriptor_);
}

Output::Output(Output&& other) noexcept
    : shown_(std::move(other.shown_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

Output& Output::operator=(Output&& other) noexcept {
  std::swap(shown_, other.shown_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void Output::write(std::span<const std::byte> bytes) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 30;  // Linux writes at most 2 GiB in one call
  while (!bytes.empty()) {
    const ssize_t count = uninterrupted(
        [&] { return file_system().write(descriptor_, bytes.data(), std::min(bytes.size(), kAtOnce)); });
    if (count <= 0) throw_system_error(shown_, "cannot be written", count < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void Output::sync() {
  if (uninterrupted([&] { return file_system().fsync(descriptor_); }) != 0)
    throw_system_error(shown_, "cannot be flushed to the disk", errno);
}

void Output::close() {
  // Never a second try: the number is free by now and may already name another file.
  if (file_system().close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR)
    throw_system_error(shown_, "cannot be written", errno);
}

}  // namespace engine
