#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/io/atomic_file.h"

namespace cli {

/// A table as a CSV file (RFC 4180, with line feeds), which appears whole or not at all.
class CsvOutput {
 public:
  /// Begins the file with the names of its columns; with an empty path there is none, and nothing is written.
  CsvOutput(const std::filesystem::path& path, std::span<const std::string> columns);
  /// Appends a row of as many fields, each written in quotes where it needs them.
  void add(std::span<const std::string> fields);
  /// Puts the file in its place.
  void commit();

 private:
  std::unique_ptr<engine::AtomicFile> file_;
};

/// Throws an Error when a file is there that is not empty and is not a CSV with these first columns: what
/// somebody else has written may be the only copy.
void check_replaces_csv(const std::filesystem::path& path, std::span<const std::string> columns);

/// softmax of a row of class scores, in the order of classes. The sum starts from the largest score.
std::vector<double> class_probabilities(std::span<const float> logits);

/// Names of all outputs of a model: `names`, where there are any, and numbers for those that have none.
std::vector<std::string> output_names(std::vector<std::string> names, engine::Index outputs);

}  // namespace cli
