#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "engine/base/check.h"
#include "engine/io/append_file.h"
#include "engine/io/file_lock.h"
#include "tools/training/events.h"
#include "tools/training/tensorboard_log.h"

namespace training {

/// What a run goes on from: a checkpoint, the one before it, and the sums of an unfinished scoring.
constexpr const char *kCheckpointFile = "checkpoint.safetensors",
                     *kFormerCheckpointFile = "checkpoint.previous.safetensors",
                     *kPartialScoresFile = "scores.safetensors";
/// The record of what the images held that a run has read, that it has diverged, and that it was paused.
constexpr const char *kImagesFile = "images.jsonl", *kDivergedFile = "diverged.json",
                     *kPausedFile = "paused.json";

/// The beginning of a run, as its log has it.
struct LogPart {
  engine::Index scores = 0;      ///< batches that are scored
  engine::Index steps = 0;       ///< steps that are done
  engine::Index evaluated = -1;  ///< steps after which val was last due
};

/// The folder a run writes to: config.json, metrics.jsonl, selection, delta, checkpoint and result. One
/// process at a time has it; the lock, run.lock, goes with the process.
class RunFolder {
 public:
  enum class Existing { refuse, resume, overwrite };

  /// Finds out before long work, changing nothing, whether a run could take the path. Throws a UsageError
  /// when something is there and is to be refused, or it is no run folder; an Error when it cannot be
  /// written, or another process has it.
  static void check_free(const std::filesystem::path& path, Existing existing);
  /// Makes the folder, or takes an existing run as `existing` has it. Throws as check_free() does. What a run
  /// that was killed there had begun to write is removed; with Existing::overwrite all it wrote.
  RunFolder(const std::filesystem::path& path, Existing existing, const Events& events = {});

  /// Makes an empty folder "runs/<data>-<method>-<n>" with the lowest free n, which no other process gets.
  static std::filesystem::path take_fresh_path(const std::string& data, const std::string& method);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const std::string& name) const { return path_ / name; }

  /// Writes an object as a file, whole or not at all.
  void write_json(const std::string& name, const nlohmann::ordered_json& json) const;
  /// Adds a line to metrics.jsonl.
  void log(const nlohmann::ordered_json& line);
  /// Makes the lines so far survive a loss of power. A checkpoint must not be safe before its lines are.
  void sync_log();
  /// Adds lines to images.jsonl, what the images held that were read. They are safe when it returns.
  void add_images(const std::string& lines) const;
  /// Keeps the lines of metrics.jsonl that belong to this part of the run: what goes on writes the others
  /// again.
  void cut_log(const LogPart& part);
  /// From the next cut_log() on, TensorBoard's event files in the folder follow the log.
  void show_in_tensorboard() { board_.emplace(path_); }
  /// True when the folder has event files. What goes on with such a run goes on with them: curves with gaps
  /// would show a run that nobody made.
  bool is_in_tensorboard() const { return !EventFile::in(path_).empty(); }
  /// Has them show the scores in a selection that was written to the folder.
  void show_selection(const std::string& name);
  /// Removes a file of the run, if it is there.
  void remove(const std::string& name) const;

 private:
  void take_lock(const Events& events);
  void remove_leftovers() const;
  void remove_files() const;
  void open_log();

  std::filesystem::path path_;
  std::optional<engine::FileLock> lock_;
  std::optional<engine::AppendFile> log_;
  std::optional<TensorBoardLog> board_;
};

}  // namespace training
