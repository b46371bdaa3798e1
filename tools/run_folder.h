#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/base/check.h"

namespace tools {

/// The folder a run writes to: config.json, metrics.jsonl, selection, delta, checkpoint and result.
class RunFolder {
 public:
  enum class Existing { refuse, resume, overwrite };

  /// Throws a UsageError when the path may not be taken: something is there and is to be refused, or it is no
  /// run folder.
  static void check_free(const std::filesystem::path& path, Existing existing);
  /// Makes the folder, or takes an existing run as told. Throws an Error when it cannot be made or written.
  RunFolder(const std::filesystem::path& path, Existing existing);

  /// A folder "runs/<data>-<method>-<n>" with the lowest free n.
  static std::filesystem::path fresh_path(const std::string& data, const std::string& method);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const std::string& name) const { return path_ / name; }
  /// True when the folder holds a checkpoint to go on from.
  bool has_checkpoint() const { return std::filesystem::exists(file("checkpoint.safetensors")); }

  /// Writes an object as a file, whole or not at all.
  void write_json(const std::string& name, const nlohmann::ordered_json& json) const;
  /// Adds a line to metrics.jsonl.
  void log(const nlohmann::ordered_json& line);
  /// Keeps the lines of metrics.jsonl up to this many steps: a resumed run writes the others anew.
  void cut_log(engine::Index steps);
  /// Empties metrics.jsonl.
  void clear_log();

 private:
  void replace_log(const std::string& lines);
  std::filesystem::path path_;
  std::ofstream log_;
};

}  // namespace tools
