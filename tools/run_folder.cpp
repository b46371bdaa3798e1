#include "tools/run_folder.h"

#include <nlohmann/json.hpp>

#include "engine/io/atomic_file.h"
#include "engine/io/json.h"
#include "tools/args.h"

namespace tools {

namespace fs = std::filesystem;
using engine::Json;

RunFolder::RunFolder(const fs::path& path, Existing existing) : path_(path) {
  const bool there = fs::exists(path_) && (!fs::is_directory(path_) || !fs::is_empty(path_));
  if (there && !fs::is_directory(path_))
    throw UsageError(path_.string() + " is a file; --out needs a folder");
  if (there && existing == Existing::refuse) {
    throw UsageError(path_.string() +
                     " exists and is not empty; go on with --resume, or begin anew with --overwrite");
  }
  if (there && existing == Existing::overwrite) {
    engine::check(
        fs::exists(file("config.json")),
        path_.string() + " is no run folder (it has no config.json), so --overwrite leaves it alone");
    for (const char* name : {"config.json", "metrics.jsonl", "selection.safetensors", "delta.safetensors",
                             "checkpoint.safetensors", "result.json", "report.html"}) {
      fs::remove(file(name));
    }
  }
  std::error_code failure;
  fs::create_directories(path_, failure);
  engine::check(!failure, path_.string() + ": cannot make the folder:", failure.message());
  log_.open(file("metrics.jsonl"), std::ios::app);
  engine::check(log_.is_open(), file("metrics.jsonl").string() + ": cannot be written");
}

fs::path RunFolder::fresh_path(const std::string& data, const std::string& method) {
  for (engine::Index n = 1;; ++n) {
    const fs::path path = fs::path("runs") / (data + '-' + method + '-' + std::to_string(n));
    if (!fs::exists(path)) return path;
  }
}

void RunFolder::write_json(const std::string& name, const Json& json) const {
  engine::write_file(file(name), json.dump(2) + '\n');
}

void RunFolder::log(const Json& line) {
  log_ << line.dump() << '\n' << std::flush;
  engine::check(log_.good(), file("metrics.jsonl").string() + ": cannot be written; is the disk full?");
}

void RunFolder::cut_log(engine::Index step) {
  log_.close();
  std::ifstream old(file("metrics.jsonl"));
  std::string kept;
  for (std::string line; std::getline(old, line);) {
    const Json json = Json::parse(line, nullptr, false);
    const bool whole = json.is_object();  // a crash may leave half a line
    if (whole && json.value("kind", std::string()) == "score")
      kept += line + '\n';
    else if (whole && json.value("step", step + 1) <= step)
      kept += line + '\n';
  }
  engine::write_file(file("metrics.jsonl"), kept);
  log_.open(file("metrics.jsonl"), std::ios::app);
  engine::check(log_.is_open(), file("metrics.jsonl").string() + ": cannot be written");
}

}  // namespace tools
