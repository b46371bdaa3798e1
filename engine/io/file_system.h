#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstddef>

namespace engine {

/// The system calls by which the program changes what is on a disk. Nothing else in it does, so that a test
/// that puts its own in their place can fail, forget or end the process at each of them. Each returns what
/// the system call of its name does, and sets errno when that is -1.
class FileSystem {
 public:
  /// What is opened, and for what. A file is not opened through a symbolic link.
  enum class For {
    create,  ///< to be written; the name must be free
    append,  ///< to be written at its end; made where it is missing
    lock,    ///< to be locked and overwritten; made where it is missing
    sync     ///< a folder, for fsync()
  };

  virtual ~FileSystem() = default;
  virtual int open(const char* path, For purpose, mode_t mode);
  virtual ssize_t write(int descriptor, const void* bytes, std::size_t count);
  virtual int fsync(int descriptor);
  virtual int fchmod(int descriptor, mode_t mode);
  virtual int ftruncate(int descriptor, off_t size);
  virtual int flock(int descriptor, int operation);
  virtual int close(int descriptor);
  virtual int rename(const char* from, const char* to);
  virtual int unlink(const char* path);
  virtual int mkdir(const char* path, mode_t mode);
};

/// The one in use: the system's own, until a test sets another.
FileSystem& file_system();
/// Puts another in its place, before any file is written, and returns the one that was there. It must live as
/// long as it is in use.
FileSystem& use_file_system(FileSystem& other);

/// Makes a system call again for as long as a signal interrupts it. Not for close(), which has closed even
/// so.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace engine
