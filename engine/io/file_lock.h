#pragma once

#include <filesystem>
#include <string>

#include "engine/io/output.h"

namespace engine {

/// A file that one process at a time holds. The lock goes when the process does, however it ends, so that a
/// file left behind is no obstacle. In it stands who took it last, for people.
class FileLock {
 public:
  /// Takes the lock unless another has it. Throws an Error naming the path when the file cannot be written.
  explicit FileLock(const std::filesystem::path& path);
  bool held() const { return held_; }
  /// False on a file system that knows no locks.
  bool supported() const { return supported_; }

  /// "process 123 on host" when another holds the file, otherwise nothing. Changes nothing.
  static std::string holder(const std::filesystem::path& path);

 private:
  Output file_;
  bool held_ = false, supported_ = true;
};

}  // namespace engine
