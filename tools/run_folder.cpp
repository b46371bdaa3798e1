#include "tools/run_folder.h"

#include <nlohmann/json.hpp>

#include "engine/io/atomic_file.h"
#include "engine/io/json.h"
#include "tools/args.h"
#include "tools/console.h"

namespace tools {

namespace fs = std::filesystem;
using engine::Json;

namespace {

// Written first and never removed, so that it tells a run from other folders.
constexpr const char* kLog = "metrics.jsonl";

}  // namespace

void RunFolder::check_free(const fs::path& path, Existing existing) {
  if (!fs::exists(path)) return;
  if (!fs::is_directory(path)) throw UsageError(path.string() + " is a file; --out needs a folder");
  if (fs::is_empty(path)) return;
  if (existing == Existing::refuse) {
    throw UsageError(path.string() +
                     " exists and is not empty; go on with --resume, or begin anew with --overwrite");
  }
  if (!fs::exists(path / kLog)) {
    throw UsageError(path.string() + " is no run folder (it has no " + kLog +
                     "), so --resume and --overwrite leave it alone; give another --out");
  }
}

RunFolder::RunFolder(const fs::path& path, Existing existing) : path_(path) {
  check_free(path_, existing);
  if (existing == Existing::overwrite) {
    for (const char* name : {"config.json", "selection.safetensors", "delta.safetensors",
                             "checkpoint.safetensors", "result.json", "report.html"}) {
      fs::remove(file(name));
    }
  }
  std::error_code failure;
  fs::create_directories(path_, failure);
  engine::check(!failure, path_.string() + ": cannot make the folder:", failure.message());
  log_.open(file(kLog), std::ios::app);
  engine::check(log_.is_open(), file(kLog).string() + ": cannot be written");
}

fs::path RunFolder::fresh_path(const std::string& data, const std::string& method) {
  for (engine::Index n = 1;; ++n) {
    const fs::path path = fs::path("runs") / (data + '-' + method + '-' + std::to_string(n));
    if (!fs::exists(path)) return path;
  }
}

void RunFolder::write_json(const std::string& name, const Json& json) const {
  engine::write_file(file(name), json_text(json, 2) + '\n');
}

void RunFolder::log(const Json& line) {
  log_ << json_text(line) << '\n' << std::flush;
  engine::check(log_.good(), file(kLog).string() + ": cannot be written; is the disk full?");
}

void RunFolder::cut_log(engine::Index steps) {
  std::ifstream old(file(kLog));
  std::string kept;
  for (std::string line; std::getline(old, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) continue;  // a crash may leave half a line
    const std::string kind = json.value("kind", "");
    // A step line carries the number of its step, from 0; an evaluation how many steps were done.
    const engine::Index step = json.value("step", steps + 1);
    if (kind == "score" || (kind == "step" && step < steps) || (kind == "eval" && step <= steps))
      kept += line + '\n';
  }
  replace_log(kept);
}

void RunFolder::clear_log() {
  replace_log("");
}

void RunFolder::replace_log(const std::string& lines) {
  log_.close();
  engine::write_file(file(kLog), lines);
  log_.open(file(kLog), std::ios::app);
  engine::check(log_.is_open(), file(kLog).string() + ": cannot be written");
}

}  // namespace tools
