#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/json.h"
#include "engine/tensor/storage.h"
#include "peft/adapters/merge.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/model_options.h"
#include "tools/cli/output_files.h"
#include "tools/exports/formats.h"
#include "tools/training/evaluate.h"
#include "tools/training/json_field.h"
#include "tools/training/pretrained/license.h"
#include "tools/training/pretrained/model_path.h"
#include "tools/training/pretrained/weights.h"
#include "tools/training/tuned_model.h"
#include "tools/training/usage_error.h"

namespace cli {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

struct Options {
  training::ModelSource model;
  std::string delta, run, format, out;
  exports::ExportOptions how;
  bool force = false, json = false, no_memory_check = false;
  Checks checks;
};

void declare(OptionTable& table, Options& o) {
  std::vector<std::string> names;
  for (const exports::Format& format : exports::formats()) names.push_back(format.name);
  declare_model(table, o.model);
  table.group("Delta and result");
  declare_delta(table, o.delta, o.force);
  table.input("run", o.run, "RUN", "run folder: its delta, and its base unless --model is given")
      .excluding("delta", "the delta is the run's");
  table.choice("format", o.format, names, "form in which the model is written");
  table.output("out", o.out, "PATH", "folder to make (timm, hf, peft) or file to write (onnx)");
  table
      .choice("dtype", o.how.dtype, {"f32", "f16", "bf16"},
              "type of the weights, rounded to the nearest; onnx: f32 alone")
      .by_default("the base's; peft and onnx: f32");
  table.flag("external-data", o.how.external_data, "weights in PATH.data, as past 2 GB in any case")
      .needing("format", {"onnx"})
      .rare();
  table.flag("json", o.json, "print the result as one JSON object").this_call();
  declare_memory_check(table, o.no_memory_check);
  declare_checks(table, o.checks);
}

/// A run's delta, and its base as its config.json names it, where no option does.
void take_run(Options& o) {
  const fs::path folder = o.run, config = folder / "config.json";
  o.delta = (folder / "delta.safetensors").string();
  engine::check(fs::exists(folder), o.run + ": no such file or folder");
  engine::check(fs::exists(config) && fs::exists(o.delta), o.run + ":",
                "is no run folder that came to its end: config.json and delta.safetensors are needed");
  if (!o.model.model.empty() || !o.model.arch.empty()) return;
  const engine::Json json = engine::read_json(config, training::kMaxResultValues);
  try {
    engine::check(!json.contains("model") || json["model"].is_string(),
                  "it does not say where the base is, as those of earlier versions; --model does");
    o.model.model = training::field<std::string>(json, "model").value_or("");
    o.model.arch = training::field<std::string>(json, "arch").value_or("");
    o.model.seed = training::field<Index>(json, "seed").value_or(o.model.seed);
  } catch (const engine::Error& e) {
    throw engine::Error(config.string() + ": " + e.what());
  }
  engine::check(o.model.model.empty() || fs::exists(o.model.model), config.string() + ": the base",
                o.model.model, "is not there; --model gives its place");
}

/// Writes adapters into the layers, or says what to do with a model of which that cannot be.
void merge_adapters(models::Vit& model, const std::string& format) {
  try {
    const peft::MergedAdapters merged(model);
  } catch (const engine::Error& e) {
    throw engine::Error("--format " + format + ": " + e.what() + "; eval and predict take both");
  }
}

std::string license_of(const training::LoadedModel& loaded, const std::string& model) {
  if (loaded.checkpoint.empty()) return {};
  return training::stated_license(training::find_model(model).folder,
                                  training::Weights(loaded.checkpoint).metadata());
}

/// The command again, with the names of folders and files alone.
std::string command_of(const Options& o) {
  std::string command = "espalier export";
  const auto add = [&](const char* option, const std::string& path) {
    const fs::path normal = fs::path(path).lexically_normal();
    if (!path.empty())
      command += std::string(" --") + option + " " +
                 (normal.has_filename() ? normal : normal.parent_path()).filename().string();
  };
  if (o.run.empty()) {
    add("model", o.model.model);
    add("delta", o.delta);
  }
  add("run", o.run);
  command += " --format " + o.format;
  if (!o.how.dtype.empty()) command += " --dtype " + o.how.dtype;
  add("out", o.out);
  return command;
}

/// No format states that images are to be turned upright.
void note_orientation(const training::LoadedModel& model, const exports::Format& format) {
  if (model.preprocessing.exif_rotate)
    note(
        "note: --format " + format.name +
        " does not state that images are turned upright by their EXIF orientation first, as they were here; who "
        "reads it has to, in espalier by --exif-rotate");
}

void print(const std::vector<fs::path>& files, const exports::Format& format, bool json) {
  ordered_json list = ordered_json::array();
  for (const fs::path& file : files) {
    const auto bytes = fs::file_size(file);
    list.push_back({{"file", file.string()}, {"bytes", bytes}});
    if (!json) std::cout << "written: " << file.string() << " (" << bytes << " bytes)\n";
  }
  if (json)
    print_json({{"format", format.name}, {"files", list}});
  else
    std::cout << "for " << format.readers << '\n';
}

}  // namespace

void run_export(Arguments arguments) {
  Options o;
  CommandLine line("export", "Writes a model in a form that other software reads.",
                   "espalier export --run runs/flowers --format timm --out flowers");
  declare(line.table, o);
  if (!line.parse(arguments)) return;
  if (o.format.empty() || o.out.empty())
    throw training::UsageError("export: --format NAME and --out PATH are needed");
  const exports::Format& format = exports::find_format(o.format);
  training::as_usage([&] { exports::check_dtype(format, o.how.dtype); });
  if (!o.run.empty()) take_run(o);
  o.model.check();
  if (format.folder)
    check_output_folder(line.table, format.check_replaceable);
  else
    check_outputs(line.table, format.check_replaceable);

  note_signals();
  training::LoadedModel tuned =
      training::load_tuned_model(o.model, o.delta, o.force, training::Events{.on_note = note});
  training::MemoryEstimate memory = training::estimate_inference(tuned.model.config(), 1);
  memory.copies = engine::live_bytes();  // values that adapters are merged into
  check_inference_memory(memory, o.no_memory_check);
  if (!format.keeps_adapters) merge_adapters(tuned.model, format.name);
  if (!tuned.has_head) tuned.model.replace_head(0);  // none of random values
  for (const auto& [name, tensor] : engine::state(tuned.model))
    engine::check_finite(tensor, tensor.dtype(), "exported " + name);
  const exports::Exported exported{.model = tuned,
                                   .license = license_of(tuned, o.model.model),
                                   .base = o.model.model,
                                   .delta = o.delta,
                                   .run = o.run,
                                   .command = command_of(o)};
  note_orientation(tuned, format);
  if (o.checks.dry_run) {
    o.how.only_checks = true;
    format.write(o.out, exported, o.how);
    std::cout << "all checks passed: nothing was written\n";
    return;
  }
  check_interrupted("before anything was written");
  const std::vector<fs::path> files = format.write(o.out, exported, o.how);
  check_interrupted("after " + o.out + " was written");
  print(files, format, o.json);
}

}  // namespace cli
