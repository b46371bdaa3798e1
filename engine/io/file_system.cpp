#include "engine/io/file_system.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

namespace engine {
namespace {

int flags_of(FileSystem::For purpose) {
  // O_NONBLOCK: opening a named pipe would wait for a reader otherwise.
  constexpr int kAlways = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  switch (purpose) {
    case FileSystem::For::create:
      return kAlways | O_WRONLY | O_CREAT | O_EXCL;
    case FileSystem::For::append:
      return kAlways | O_WRONLY | O_CREAT | O_APPEND;
    case FileSystem::For::lock:
      return kAlways | O_RDWR | O_CREAT;
    case FileSystem::For::sync:
      break;
  }
  return O_CLOEXEC | O_RDONLY | O_DIRECTORY;
}

FileSystem& system() {
  static FileSystem system;
  return system;
}

constinit FileSystem* in_use = nullptr;

}  // namespace

int FileSystem::open(const char* path, For purpose, mode_t mode) {
  return ::open(path, flags_of(purpose), mode);
}
ssize_t FileSystem::write(int descriptor, const void* bytes, std::size_t count) {
  return ::write(descriptor, bytes, count);
}
int FileSystem::fsync(int descriptor) {
  return ::fsync(descriptor);
}
int FileSystem::fchmod(int descriptor, mode_t mode) {
  return ::fchmod(descriptor, mode);
}
int FileSystem::ftruncate(int descriptor, off_t size) {
  return ::ftruncate(descriptor, size);
}
int FileSystem::flock(int descriptor, int operation) {
  return ::flock(descriptor, operation);
}
int FileSystem::close(int descriptor) {
  return ::close(descriptor);
}
int FileSystem::rename(const char* from, const char* to) {
  return ::rename(from, to);
}
int FileSystem::unlink(const char* path) {
  return ::unlink(path);
}
int FileSystem::mkdir(const char* path, mode_t mode) {
  return ::mkdir(path, mode);
}

FileSystem& file_system() {
  return in_use ? *in_use : system();
}

FileSystem& use_file_system(FileSystem& other) {
  FileSystem& before = file_system();
  in_use = &other;
  return before;
}

}  // namespace engine
