#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/text.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "engine/io/sharded_safetensors.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/model_options.h"
#include "tools/experiments/overlap.h"
#include "tools/training/evaluate.h"
#include "tools/training/json_text.h"
#include "tools/training/pretrained/license.h"
#include "tools/training/pretrained/model_path.h"
#include "tools/training/pretrained/weights.h"
#include "tools/training/usage_error.h"

namespace cli {

namespace fs = std::filesystem;
using engine::Json;

namespace {

/// The licence that a checkpoint states; empty, with a note, where what should state it cannot be read.
std::string license_of(const fs::path& folder, const engine::Metadata& metadata) {
  try {
    return training::stated_license(folder, metadata);
  } catch (const engine::Error& e) {
    note(std::string("note: license: ") + e.what());
    return "";
  }
}

/// `folder` holds the config.json that belongs to the file; empty: none does.
Json describe_file(const fs::path& path, const fs::path& folder) {
  const training::Weights file(path);
  const auto format = file.metadata().find("format");
  const bool ours = format != file.metadata().end() && format->second.starts_with("espalier-");
  Json::object_t tensors;  // appended to: looking up each name would take quadratic time
  Index values = 0;
  std::uintmax_t bytes = 0;
  Json shards = Json::array();
  for (const training::Weights::Entry& entry : file.entries()) {
    tensors.emplace_back(entry.name, Json{{"dtype", entry.dtype}, {"shape", entry.dims}});
    values += entry.values;
  }
  for (const fs::path& shard : file.files()) {
    bytes += fs::file_size(shard);
    shards.push_back(shard.string());
  }
  Json described{{"kind", ours ? format->second.substr(9) : "checkpoint of weights"},
                 {"path", path.string()},
                 {"bytes", bytes},
                 {"sha256", file.sha256()},
                 {"numbers", values},
                 {"metadata", file.metadata()},
                 {"tensors", tensors}};
  if (engine::is_shard_index(path)) described["shards"] = shards;
  if (const std::string license = license_of(folder, file.metadata()); !license.empty())
    described["license"] = license;
  return described;
}

Json describe_run(const fs::path& path) {
  Json run{{"kind", "run"},
           {"path", path.string()},
           {"config", engine::read_json(path / "config.json")},
           {"files", Json::object()}};
  for (const char* name : {"metrics.jsonl", "selection.safetensors", "delta.safetensors",
                           "checkpoint.safetensors", "judged.json", "result.json", "report.html"}) {
    if (fs::exists(path / name)) run["files"][name] = fs::file_size(path / name);
  }
  if (fs::exists(path / "result.json"))
    run["result"] = engine::read_json(path / "result.json", training::kMaxResultValues);
  return run;
}

Json describe(const fs::path& path) {
  engine::check(fs::exists(path), path.string() + ": no such file or folder");
  if (fs::exists(path / "metrics.jsonl")) return describe_run(path);
  const training::ModelPath found = training::find_model(path);
  return describe_file(found.weights, found.folder);
}

/// The selection at a path: the file, or the one in a run folder.
engine::Safetensors open_selection(const fs::path& path) {
  return engine::Safetensors(fs::is_directory(path) ? path / "selection.safetensors" : path);
}

std::string plain(const Json& value) {
  return shown(value.is_string() ? value.get<std::string>() : training::json_text(value));
}

void print_file(const Json& d) {
  std::cout << plain(d["path"]) << ": " << plain(d["kind"]) << ", " << engine::human_bytes(d["bytes"]) << ", "
            << d["tensors"].size() << " tensors, " << engine::human_count(d["numbers"]) << " values\nsha256 "
            << plain(d["sha256"]) << '\n';
  for (const auto& [key, value] : d["metadata"].items())
    std::cout << "  " << shown(key) << ": " << plain(value) << '\n';
  if (d.contains("license") && !d["metadata"].contains("license"))
    std::cout << "license " << plain(d["license"]) << '\n';
  if (d.contains("shards"))
    for (const Json& shard : d["shards"]) std::cout << "  in " << plain(shard) << '\n';
  for (const auto& [name, t] : d["tensors"].items())
    std::cout << plain(t["dtype"]) << ' ' << t["shape"].dump() << ' ' << shown(name) << '\n';
}

void print_run(const Json& d) {
  std::cout << plain(d["path"]) << ": run\n";
  for (const auto& [key, value] : d["config"].items())
    std::cout << "  " << shown(key) << ": " << plain(value) << '\n';
  for (const auto& [name, bytes] : d["files"].items())
    std::cout << shown(name) << ' ' << engine::human_bytes(bytes) << '\n';
  if (!d.contains("result")) return;
  for (const auto& [key, value] : d["result"].items()) {
    if (value.is_object() && value.contains("top1"))
      std::cout << shown(key) << ": top-1 " << value["top1"] << " %\n";
    else
      std::cout << shown(key) << ": " << plain(value) << '\n';
  }
}

}  // namespace

void run_inspect(Arguments arguments) {
  std::vector<std::string> paths;
  std::string against, gradients;
  Index threads = 0;
  bool json = false;
  CommandLine line(
      "inspect",
      "Shows what is in a checkpoint, delta, selection or run folder, or what two selections have in common.",
      "espalier inspect runs/flowers/delta.safetensors");
  OptionTable& table = line.table;
  table.words("PATH", paths, "file or folder");
  table.input("against", against, "PATH", "selection to compare the one at PATH with: units in common");
  table
      .input("gradients", gradients, "FILE",
             "written by select: also show what share of the squared gradient each selection holds")
      .needing("against");
  table.flag("json", json, "print JSON").this_call();
  declare_ignored_threads(table, threads);
  if (!line.parse(arguments)) return;
  if (paths.empty()) throw training::UsageError("inspect: at least one file or folder is needed");
  if (!against.empty()) {
    if (paths.size() != 1) throw training::UsageError("inspect: --against compares with one selection");
    std::optional<engine::Safetensors> squared;
    if (!gradients.empty()) squared.emplace(gradients);
    const Json overlap = experiments::overlap_of(open_selection(paths[0]), open_selection(against),
                                                 squared ? &*squared : nullptr);
    if (json) return print_json(overlap);
    std::cout << experiments::overlap_table(overlap);
    for (const Json& difference : overlap.value("differences", Json::array()))
      std::cout << "made otherwise than the other: " << plain(difference) << '\n';
    return;
  }
  Json all = Json::array();
  for (const std::string& path : paths) all.push_back(describe(path));
  if (json) return print_json(all.size() == 1 ? all[0] : all);
  for (const Json& d : all) {
    if (d["kind"] == "run")
      print_run(d);
    else
      print_file(d);
  }
}

}  // namespace cli
