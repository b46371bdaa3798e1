#pragma once

#include <filesystem>
#include <optional>

#include "engine/io/file_lock.h"
#include "engine/io/json.h"
#include "tools/experiments/part.h"

namespace experiments {

/// Throws a UsageError for a file, and for a folder with files of something else.
void check_may_be_comparison(const std::filesystem::path& folder);

/// compare.json of an earlier call, or, where there is none, what a part has written; null where there is
/// neither.
engine::Json earlier_comparison(const std::filesystem::path& folder);

/// The folder of a comparison, locked while this object lives, so that one process at a time works in it, or
/// one on each part. Locks are a help, not what the results hang on: a part writes into the folders of its
/// own runs and below parts/ the files of its name, nothing else.
class ComparisonFolder {
 public:
  /// Makes the folder where it is missing and removes what a crash left half-written. Throws what
  /// check_may_be_comparison() throws, and an Error that names the process when another one is at work on the
  /// whole, on this part or, while this is the whole, on any.
  explicit ComparisonFolder(std::filesystem::path path, std::optional<Part> part = std::nullopt);

  /// True when an earlier call has written compare.json, or the file of the part.
  bool has_tables() const;

  /// Writes compare.json, table.md, table.csv and report.html of a comparison, each whole or not at all; of a
  /// part parts/I-of-N.json alone.
  void write(const engine::Json& comparison) const;

 private:
  std::filesystem::path path_;
  std::optional<Part> part_;
  engine::FileLock lock_;
};

}  // namespace experiments
