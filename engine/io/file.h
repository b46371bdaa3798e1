#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "engine/base/check.h"

namespace engine {

/// An open regular file that is only read. Read by position and never mapped into memory: a mapped file that
/// someone shortens ends the process. Several threads may read at once.
class File {
 public:
  /// Throws an Error naming the path when it is missing, a folder, a device or not readable.
  explicit File(const std::filesystem::path& path);
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  const std::string& path() const { return path_; }
  /// Bytes when the file was opened.
  std::uint64_t size() const { return size_; }
  /// Fills `out` with the bytes from `offset` on. Throws an Error when the file ends before.
  void read_at(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// The bytes of a regular file. Throws an Error naming the path when there are more than `limit`.
std::string read_file(const std::filesystem::path& path, std::uint64_t limit);

/// Throws an Error "path: action: reason" for a system call that has set `errno` to `number`.
[[noreturn]] void throw_system_error(const std::string& path, const std::string& action, int number);

}  // namespace engine
