#pragma once

#include <filesystem>

#include "engine/io/file_lock.h"
#include "engine/io/json.h"

namespace experiments {

/// Throws a UsageError for a file, and for a folder with files of something else.
void check_may_be_comparison(const std::filesystem::path& folder);

/// The folder of a comparison, locked while this object lives, so that one process at a time works in it.
class ComparisonFolder {
 public:
  /// Makes the folder where it is missing and removes what a crash left half-written. Throws what
  /// check_may_be_comparison() throws, and an Error that names the process when another one holds the lock.
  explicit ComparisonFolder(std::filesystem::path path);

  /// True when an earlier call has written compare.json.
  bool has_tables() const;

  /// Writes compare.json, table.md, table.csv and report.html of a comparison, each whole or not at all.
  void write(const engine::Json& comparison) const;

 private:
  std::filesystem::path path_;
  engine::FileLock lock_;
};

}  // namespace experiments
