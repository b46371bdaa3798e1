#include "tools/exports/card.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/json.h"
#include "tools/training/evaluate.h"
#include "tools/training/json_field.h"
#include "tools/training/pretrained/at_image_size.h"
#include "tools/training/pretrained/metadata.h"

namespace exports {

using engine::Json;
namespace fs = std::filesystem;

namespace {

/// In one line, as code: what comes from outside makes no markup of its own.
std::string code(const std::string& text) {
  std::string line;
  for (const char c : text) line += c == '`' ? '\'' : static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  return "`" + line + "`";
}

/// True for a word that YAML takes as it is.
bool is_slug(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  });
}

std::string last_name(const std::string& path) {
  const fs::path normal = fs::path(path).lexically_normal();
  return (normal.has_filename() ? normal : normal.parent_path()).filename().string();
}

Json read_in_run(const std::string& run, const char* name) {
  const fs::path path = fs::path(run) / name;
  if (run.empty() || !fs::exists(path)) return Json::object();
  Json json = engine::read_json(path, training::kMaxResultValues);
  return json.is_object() ? json : Json::object();
}

/// Method and options, as the delta has them.
std::string training_of(const engine::Metadata& delta) {
  const auto method = delta.find("method"), options = delta.find("options");
  if (method == delta.end()) return {};
  std::string text = "- **Tuned with:** espalier's method " + code(method->second);
  if (options != delta.end() && options->second != "{}") text += ", options " + code(options->second);
  return text + "\n";
}

/// How the run was trained: the common options of its config.json.
std::string options_of(const Json& config) {
  std::vector<std::string> options;
  for (const char* name :
       {"epochs", "steps", "batch_size", "lr", "optimizer", "weight_decay", "schedule", "augment", "seed"}) {
    const auto found = config.find(name);
    const bool by_steps = config.value("steps", engine::Json(0)) != 0;
    if (by_steps && name == std::string_view("epochs")) continue;  // steps came in their place
    if (found == config.end() || found->is_structured()) continue;
    const std::string value = found->is_string() ? found->get<std::string>() : found->dump();
    if (!value.empty() && value != "0" && value != "0.0") options.push_back(std::string(name) + " " + value);
  }
  return options.empty() ? "" : "- **Training:** " + code(engine::join(options, ", ")) + "\n";
}

std::string metrics_of(const Json& result) {
  std::string rows;
  for (const char* split : {"val", "test"}) {
    if (!result.contains(split) || !result[split].is_object()) continue;
    const auto top1 = training::field<double>(result[split], "top1");
    const auto loss = training::field<double>(result[split], "loss");
    const auto images = training::field<engine::Index>(result[split], "images");
    if (!top1) continue;
    rows += std::string("| ") + split + " | " + (images ? std::to_string(*images) : "") + " | " +
            engine::fixed(*top1, 2) + " % | " + (loss ? engine::fixed(*loss, 4) : "") + " |\n";
  }
  if (rows.empty()) return {};
  return "\n## Evaluation\n| split | images | top-1 | loss |\n|---|---|---|---|\n" + rows;
}

std::string classes_of(const training::LoadedModel& model) {
  if (model.classes.empty()) return {};
  std::string text = "\n## Classes\nIn the order of the outputs:\n\n";
  for (std::size_t i = 0; i < model.classes.size(); ++i)
    text += std::to_string(i) + ". " + code(model.classes[i]) + "\n";
  return text;
}

engine::Metadata metadata_of(const std::string& delta) {
  return delta.empty() ? engine::Metadata() : engine::Safetensors(delta).metadata();
}

}  // namespace

std::string name_of_base(const Exported& exported) {
  if (exported.base.empty()) return exported.model.arch;
  std::error_code ignored;
  const fs::path path(exported.base);
  const bool speaks_for_folder =
      path.filename() == "model.safetensors" || path.filename() == "model.safetensors.index.json";
  if (fs::is_directory(path, ignored) || !speaks_for_folder) return last_name(exported.base);
  return last_name(fs::absolute(path).parent_path().string());
}

std::string model_card(const Exported& exported, const std::string& library, const std::string& dtype,
                       const std::string& usage) {
  const training::LoadedModel& model = exported.model;
  const Json config = read_in_run(exported.run, "config.json"),
             result = read_in_run(exported.run, "result.json");
  std::string card = "---\ntags:\n- image-classification\n- " + library + "\n";
  if (library != "transformers") card += "- transformers\n";
  card += "pipeline_tag: image-classification\nlibrary_name: " + library + "\n";
  if (is_slug(exported.license)) card += "license: " + exported.license + "\n";
  card += "---\n# " + model.arch + (exported.delta.empty() ? "" : ", tuned") + "\n\n## Model details\n";
  card += "- **Base:** " + code(name_of_base(exported)) + ", SHA-256 " + code(model.base_sha256) + "\n";
  card += "- **Licence of the base:** " +
          (exported.license.empty() ? "not stated; look it up before you pass the model on"
                                    : code(exported.license)) +
          "\n";
  card += "- **Architecture:** " + code(model.arch) + ", images of " +
          engine::say(training::image_size_of(model.model.config())) + "\n";
  card += "- **Weights:** " + dtype + "\n";
  card += "- **Preprocessing:** " + code(training::preprocessing_json(model.preprocessing)) + "\n";
  card +=
      model.preprocessing.exif_rotate
          ? "- **Orientation:** images are turned upright by their EXIF orientation first. transformers' "
            "pipeline does so with files, timm does not.\n"
          : "- **Orientation:** images are taken as they are stored, whatever their EXIF orientation. timm does "
            "so, too; transformers' pipeline turns files upright.\n";
  card += training_of(metadata_of(exported.delta)) + options_of(config);
  for (const char* name : {"data", "train_list"})
    if (const auto data = training::field<std::string>(config, name); data && !data->empty())
      card += "- **Data:** " + code(last_name(*data)) + "\n";
  if (!exported.command.empty()) card += "- **Exported by:** " + code(exported.command) + "\n";
  card += metrics_of(result);
  card += "\n## Usage\n```python\n" + usage + "```\n";
  return card + classes_of(model);
}

}  // namespace exports
