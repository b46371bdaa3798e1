#include "tools/training/run_folder.h"
#include "tools/training/prefix/files.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/io/atomic_file.h"
#include "engine/io/file.h"
#include "engine/io/folder.h"
#include "engine/io/json.h"
#include "engine/io/lines.h"
#include "tools/training/data_cut.h"
#include "tools/training/json_field.h"
#include "tools/training/json_text.h"
#include "tools/training/usage_error.h"

namespace training {

namespace fs = std::filesystem;
using engine::Json;

namespace {

// Written first and never removed, so that it marks a folder as a run.
constexpr const char* kLog = "metrics.jsonl";
constexpr const char* kLock = "run.lock";
// What a run writes besides: what it goes on from, and the rest.
constexpr std::array kCheckpoints{kFormerCheckpointFile, kCheckpointFile, kPartialScoresFile};
constexpr std::array kFiles{
    "config.json", "selection.safetensors", "delta.safetensors", "judged.json", "result.json",
    "report.html", "skipped.jsonl",         kImagesFile,         kDivergedFile, kPausedFile,
    kCutFile};

/// True for the hidden name of a file that a run began to write; with `judge`, only of one that it takes.
bool is_leftover(const std::string& name,
                 decltype(engine::AtomicFile::is_temporary)& judge = engine::AtomicFile::is_temporary) {
  const auto begun = [&](const char* file) { return judge(name, file); };
  const std::string prefix = begun_prefix_file(name);
  return (!prefix.empty() && begun(prefix.c_str())) || begun(kLog) ||
         std::ranges::any_of(kCheckpoints, begun) || std::ranges::any_of(kFiles, begun);
}

/// True for a folder without a run: an empty one, or one whose run was killed before it began.
bool is_blank(const fs::path& path) {
  return std::ranges::all_of(fs::directory_iterator(path), [](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    return name == kLock || is_leftover(name);
  });
}

/// Throws a UsageError when what is in the folder may not be taken.
void check_content(const fs::path& path, RunFolder::Existing existing) {
  if (is_blank(path)) return;
  if (existing == RunFolder::Existing::refuse) {
    throw UsageError(path.string() +
                     " exists and is not empty; go on with --resume, or start over with --overwrite");
  }
  if (!fs::exists(path / kLog)) {
    throw UsageError(path.string() + " is no run folder (it has no " + kLog +
                     "), so --resume and --overwrite leave it alone; give another --out");
  }
}

[[noreturn]] void complain_of(const fs::path& path, const std::string& holder) {
  throw engine::Error(path.string() + ": " + (holder.empty() ? "another process" : holder) +
                      " is writing this run; wait for its end, or give another --out");
}

/// True for a file whose last line a crash has cut off.
bool ends_in_a_line(const fs::path& path) {
  const engine::File file(path);
  std::array<std::byte, 1> last{std::byte{'\n'}};
  if (file.size() > 0) file.read_at(file.size() - 1, last);
  return last[0] != std::byte{'\n'};
}

/// True when a log line belongs to this part of a run.
bool belongs_to(std::string_view text, const LogPart& part) {
  try {
    const Json line = engine::parse_json(text, kLog);
    const auto kind = needed_field<std::string>(line, "kind");
    const auto is_below = [&](const char* key, engine::Index end) {
      return needed_field<engine::Index>(line, key) < end;
    };
    // A step line carries the number of its step, from 0; an evaluation how many steps were done.
    if (kind == "score" || kind == "choice") return is_below("batch", part.scores);
    if (kind == "scores") return is_below("batches", part.scores);
    if (kind == "step") return is_below("step", part.steps);
    return kind == "eval" && is_below("step", part.evaluated + 1);
  } catch (const engine::Error&) {  // a crash may leave half a line
    return false;
  }
}

}  // namespace

void RunFolder::check_free(const fs::path& path, Existing existing) {
  std::error_code failure;
  if (fs::exists(path, failure)) {
    if (!fs::is_directory(path)) throw UsageError(path.string() + " is a file; --out needs a folder");
    const std::string holder = engine::FileLock::holder(path / kLock);
    if (!holder.empty()) complain_of(path, holder);
    check_content(path, existing);
  }
  engine::check_writable(path, path.string());
}

RunFolder::RunFolder(const fs::path& path, Existing existing, const Events& events) : path_(path) {
  check_free(path_, existing);
  engine::make_folders(path_);
  take_lock(events);
  check_content(path_, existing);  // again: until now another may have been at work
  remove_leftovers();
  if (existing == Existing::overwrite) remove_files();
  open_log();
  sync_log();
}

void RunFolder::take_lock(const Events& events) {
  lock_.emplace(file(kLock));
  if (lock_->held()) return;
  if (lock_->supported()) complain_of(path_, engine::FileLock::holder(file(kLock)));
  events.on_note("note: the file system of " + path_.string() +
                 " has no locks; nothing keeps a second run from writing there");
}

void RunFolder::remove_leftovers() const {
  // Who holds the lock is alone here, so that nothing begun is being written.
  auto& judge = lock_->held() ? engine::AtomicFile::is_temporary : engine::AtomicFile::is_abandoned;
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_)) {
    if (is_leftover(entry.path().filename().string(), judge)) found.push_back(entry.path());
  }
  for (const fs::path& leftover : found) engine::remove_file(leftover);
}

void RunFolder::remove_files() const {
  for (const char* name : kCheckpoints) engine::remove_file(file(name));
  // A checkpoint that came back after a loss of power would be gone on from, without the files that go with
  // it.
  engine::sync_folder(path_, path_.string());
  for (const char* name : kFiles) engine::remove_file(file(name));
  for (const std::string& name : EventFile::in(path_)) engine::remove_file(file(name));
  remove_prefixes(path_);
}

void RunFolder::open_log() {
  log_.emplace(file(kLog));
}

fs::path RunFolder::take_fresh_path(const std::string& data, const std::string& method) {
  engine::make_folders("runs");
  for (engine::Index n = 1;; ++n) {
    const fs::path path = fs::path("runs") / (data + '-' + method + '-' + std::to_string(n));
    if (engine::make_new_folder(path)) return path;
  }
}

void RunFolder::write_json(const std::string& name, const Json& json) const {
  engine::write_file(file(name), json_text(json, 2) + '\n');
}

void RunFolder::log(const Json& line) {
  log_->append(json_text(line) + '\n');
  if (board_) board_->line(line);
}

void RunFolder::sync_log() {
  log_->sync();
  if (board_) board_->sync();
}

void RunFolder::add_images(const std::string& lines) const {
  if (lines.empty()) return;
  engine::AppendFile record(file(kImagesFile));
  record.append((ends_in_a_line(file(kImagesFile)) ? "\n" : "") + lines);
  record.sync();
}

void RunFolder::cut_log(const LogPart& part) {
  constexpr std::size_t kLongest = 1 << 20;  // ours have a few hundred bytes
  engine::AtomicFile kept(file(kLog));
  std::vector<Json> lines;
  engine::for_each_line(file(kLog), kLongest, [&](std::string_view line) {
    if (!belongs_to(line, part)) return;
    kept.write(std::as_bytes(std::span(line)));
    kept.write(std::as_bytes(std::span("\n", 1)));
    if (board_) lines.push_back(engine::parse_json(line, kLog));
  });
  kept.commit();
  open_log();
  if (board_) board_->restart(part.steps, lines);
}

void RunFolder::show_selection(const std::string& name) {
  if (board_ && fs::exists(file(name))) board_->selection(file(name));
}

void RunFolder::remove(const std::string& name) const {
  if (fs::exists(file(name))) engine::remove_file(file(name));
}

}  // namespace training
