#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/io/output.h"

namespace engine {

/// A file that appears whole or not at all: written under a hidden name in the same folder, and moved to its
/// place when it is complete and on the disk. Until then a file already there keeps its content. A new file
/// gets the permissions of the one it replaces.
class AtomicFile {
 public:
  /// Starts a file for `path`. Its folder must exist. Throws an Error naming the path.
  explicit AtomicFile(const std::filesystem::path& path);
  /// Removes what was written when there was no commit().
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends `bytes`. Throws an Error naming the path, e.g. when the disk is full.
  void write(std::span<const std::byte> bytes);
  /// The hidden name, under which all that was written so far can be read: to check it before commit().
  const std::filesystem::path& readable();
  /// Puts the file in its place, replacing what was there. When it returns, content and name would survive
  /// a loss of power. Call it once. When it throws, the file has its old content or, if only the last step
  /// failed, the new one. With `former`, what was there before is first moved to that name in the same
  /// folder; the old content then is under one of both names at every moment.
  void commit(const std::filesystem::path& former = {});

  /// True for the hidden name under which a process, that may since have been killed, began a file `name`.
  static bool is_temporary(std::string_view hidden, std::string_view name);
  /// True for such a name when that process has ended for certain. Of a process on another machine, in
  /// another container or before this machine was started again nothing is certain, and its file is not
  /// abandoned.
  static bool is_abandoned(std::string_view hidden, std::string_view name);

 private:
  void create();
  void flush();
  void move(const std::filesystem::path& from, const std::filesystem::path& to) const;

  std::filesystem::path path_, folder_, temporary_;
  Output output_;
  std::vector<std::byte> waiting_;  ///< small writes, collected for one system call
  bool placed_ = false;
};

/// Makes `text` the whole content of a file in this way.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace engine
