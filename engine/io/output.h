#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "engine/io/file_system.h"

namespace engine {

/// An open file that is written. Its calls go through file_system() and each is checked: one that a signal
/// interrupts and a write that takes only a part do no harm, all else throws an Error naming the file.
class Output {
 public:
  Output() = default;
  /// Opens `path`; a new file gets this mode less the umask.
  Output(const std::filesystem::path& path, FileSystem::For purpose, mode_t mode = 0666);
  /// Takes over what try_open() opened; errors name it `shown`.
  Output(int descriptor, std::string shown) : shown_(std::move(shown)), descriptor_(descriptor) {}
  ~Output();
  Output(Output&& other) noexcept;
  Output& operator=(Output&& other) noexcept;

  int descriptor() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  /// Writes all of `bytes`: in one system call where the system takes them at once.
  void write(std::span<const std::byte> bytes);
  /// Puts what was written on the disk. After a failure it is not known what is there: trying again would
  /// tell nothing, as the system forgets the failure.
  void sync();
  void close();

 private:
  std::string shown_;
  int descriptor_ = -1;
};

/// Opens a file through file_system(); -1 and errno when that fails.
int try_open(const std::filesystem::path& path, FileSystem::For purpose, mode_t mode = 0666);

}  // namespace engine
