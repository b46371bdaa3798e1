#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "engine/io/file_system.h"

namespace support {

/// What is to happen at one of the calls to a file system, counted from 1, or at each of them.
struct Fault {
  enum class Kind {
    fail,              ///< the call fails with `error`
    fail_onward,       ///< and so do all later ones; on a full disk those that need room
    short_write,       ///< a write takes only a part; other calls are as ever
    kill_before,       ///< the process ends by SIGKILL when it comes to the call
    kill_half,         ///< a write takes a part, then the process ends; other calls are as ever
    kill_after,        ///< the call is done, then the process ends
    stop_after,        ///< the call is done, then the process gets SIGINT and goes on
    each_interrupted,  ///< every call fails with EINTR, but not when it is made again
    each_short         ///< every write takes only a part
  };
  Kind kind = Kind::fail;
  long at = 0;  ///< the number of the call; none has number 0
  int error = 0;
};

/// The system's own file system with a fault.
class FaultyFileSystem : public engine::FileSystem {
 public:
  explicit FaultyFileSystem(Fault fault = {}) : fault_(fault) {}

  /// The calls that were made: "open", "write" ...
  const std::vector<std::string>& calls() const { return calls_; }

  int open(const char* path, For purpose, mode_t mode) override {
    return at_call("open", [&] { return FileSystem::open(path, purpose, mode); });
  }
  ssize_t write(int descriptor, const void* bytes, std::size_t count) override {
    using enum Fault::Kind;
    const bool now = is_next();
    const bool partly =
        (now && (fault_.kind == short_write || fault_.kind == kill_half)) || fault_.kind == each_short;
    const std::size_t taken = partly ? (count + 1) / 2 : count;
    const ssize_t written = at_call("write", [&] { return FileSystem::write(descriptor, bytes, taken); });
    if (now && fault_.kind == kill_half) die();
    return written;
  }
  int fsync(int descriptor) override {
    return at_call("fsync", [&] { return FileSystem::fsync(descriptor); });
  }
  int fchmod(int descriptor, mode_t mode) override {
    return at_call("fchmod", [&] { return FileSystem::fchmod(descriptor, mode); });
  }
  int ftruncate(int descriptor, off_t size) override {
    return at_call("ftruncate", [&] { return FileSystem::ftruncate(descriptor, size); });
  }
  int flock(int descriptor, int operation) override {
    return at_call("flock", [&] { return FileSystem::flock(descriptor, operation); });
  }
  /// A close that fails has closed all the same, as on Linux, and is not made again.
  int close(int descriptor) override {
    const int result = at_call("close", [&] { return FileSystem::close(descriptor); });
    if (result == 0) return 0;
    const int error = errno;
    FileSystem::close(descriptor);
    interrupted_ = false;
    errno = error;
    return result;
  }
  int rename(const char* from, const char* to) override {
    return at_call("rename", [&] { return FileSystem::rename(from, to); });
  }
  int unlink(const char* path) override {
    return at_call("unlink", [&] { return FileSystem::unlink(path); });
  }
  int mkdir(const char* path, mode_t mode) override {
    return at_call("mkdir", [&] { return FileSystem::mkdir(path, mode); });
  }

 private:
  bool is_next() const { return static_cast<long>(calls_.size()) + 1 == fault_.at; }

  /// The error of the call that was noted last, or 0.
  int error_of(const std::string& name, bool now) {
    if (fault_.kind == Fault::Kind::each_interrupted) {
      interrupted_ = !interrupted_;
      return interrupted_ ? EINTR : 0;
    }
    if (fault_.kind == Fault::Kind::fail) return now ? fault_.error : 0;
    if (fault_.kind != Fault::Kind::fail_onward || static_cast<long>(calls_.size()) < fault_.at) return 0;
    const bool full = fault_.error == ENOSPC || fault_.error == EDQUOT,
               needs_room = name != "unlink" && name != "close";
    return full && !needs_room ? 0 : fault_.error;
  }

  template <class Call>
  auto at_call(const char* name, Call call) -> decltype(call()) {
    const bool now = is_next();
    if (now && fault_.kind == Fault::Kind::kill_before) die();
    calls_.emplace_back(name);
    if (const int error = error_of(name, now); error != 0) {
      errno = error;
      return -1;
    }
    const auto result = call();
    if (now && fault_.kind == Fault::Kind::kill_after) die();
    if (now && fault_.kind == Fault::Kind::stop_after) ::raise(SIGINT);
    return result;
  }

  [[noreturn]] static void die() {
    ::raise(SIGKILL);
    ::_exit(99);
  }

  Fault fault_;
  std::vector<std::string> calls_;
  bool interrupted_ = false;
};

/// While it lives, the program's files are written through this file system.
class UseFileSystem {
 public:
  explicit UseFileSystem(engine::FileSystem& other) : before_(engine::use_file_system(other)) {}
  ~UseFileSystem() { engine::use_file_system(before_); }
  UseFileSystem(const UseFileSystem&) = delete;
  UseFileSystem& operator=(const UseFileSystem&) = delete;

 private:
  engine::FileSystem& before_;
};

}  // namespace support
