#pragma once

#include <filesystem>
#include <string_view>

#include "engine/io/output.h"

namespace engine {

/// A file that grows at its end: a log. What was appended before is never touched.
class AppendFile {
 public:
  /// Opens the file, making it where it is missing. Throws an Error naming the path.
  explicit AppendFile(const std::filesystem::path& path);

  /// Appends a whole line, or several, by one system call: a process that is killed leaves all of it or none,
  /// unless the disk takes only a part.
  void append(std::string_view text);
  /// When it returns, all that was appended, and the name, would survive a loss of power. After it or
  /// append() has thrown, both do so again: it is not known what is on the disk.
  void sync();

 private:
  template <class Work>
  void guarded(Work work);

  std::filesystem::path path_;
  Output output_;
  bool name_is_safe_ = false, failed_ = false;
};

}  // namespace engine
