#include "tools/exports/peft_adapter.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/nn/roles.h"
#include "engine/nn/state.h"
#include "peft/delta.h"
#include "peft/methods.h"
#include "tools/exports/card.h"
#include "tools/exports/folder.h"
#include "tools/exports/module_names.h"
#include "tools/exports/stored_values.h"
#include "tools/training/json_text.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/pretrained/weights.h"

namespace exports {

using engine::Index;
using engine::Json;
using engine::NamedTensors;
using engine::Safetensors;
using engine::Tensor;
namespace fs = std::filesystem;

namespace {

constexpr const char *kConfig = "adapter_config.json", *kWeights = "adapter_model.safetensors";
constexpr std::array kFiles{kConfig, kWeights};

constexpr const char* kWayOut = "; --format timm, hf or onnx, which hold the tuned model whole";

/// Method and options of a delta. Throws an Error for those that peft's LoraModel is not.
struct LowRankRun {
  explicit LowRankRun(const Safetensors& delta) {
    const engine::Metadata& metadata = delta.metadata();
    const auto of = [&](const char* key) {
      const auto found = metadata.find(key);
      return found == metadata.end() ? std::string() : found->second;
    };
    const std::string method = of("method");
    engine::check(
        method == "lora" || method == "dora", "--format peft:", delta.path(), "is of method",
        method + ", and only those of lora (with --rslora, too) and dora are adapters of peft's" + kWayOut);
    dora = method == "dora";
    std::map<std::string, std::string> given;
    const Json options = engine::parse_json(of("options"), delta.path() + ": options");
    for (const auto& [name, value] : options.items()) given[name] = value.get<std::string>();
    const peft::OptionValues values(method, peft::find_method(method).options, given);
    rank = values.integer("rank", 1), alpha = values.positive("alpha"), rslora = values.on("rslora");
  }

  bool dora = false, rslora = false;
  Index rank = 0;
  double alpha = 0;
};

/// Rows of part `part` of `parts`, in a buffer of their own.
Tensor rows_of(const Tensor& tensor, const ModuleRows& module) {
  const Index rows = tensor.shape()[0] / module.parts;
  return tensor.slice(module.part * rows, (module.part + 1) * rows).clone();
}

/// The adapters and heads of a delta under peft's names, and the modules they sit on.
struct Adapters {
  NamedTensors tensors;
  std::vector<std::string> modules;  ///< in the order of the delta
  std::set<std::string> heads;

  void add(const std::string& name, const Tensor& tensor) {
    tensors.emplace_back("base_model.model." + name, tensor);
  }
};

constexpr std::pair<const char*, const char*> kParts[] = {
    {"a", "lora_A.weight"}, {"b", "lora_B.weight"}, {"magnitude", "lora_magnitude_vector"}};

Adapters adapters_of(const Safetensors& delta, const LowRankRun& run, const ModuleNames& names) {
  const std::string mark = run.dora ? ".dora." : ".lora.";
  Adapters adapters;
  for (const auto& [name, part] : peft::read_parts(delta)) {
    engine::check(part.whole(), "--format peft: of", name, "only a part was trained" + std::string(kWayOut));
    const Tensor tensor = delta.read(name);
    if (engine::in_head(name)) {
      const std::string head = names.of_head(name.substr(0, name.find('.')));
      adapters.heads.insert(head);
      adapters.add(head + name.substr(name.find('.')), tensor);
      continue;
    }
    const std::size_t at = name.rfind(mark);
    engine::check(at != std::string::npos, "--format peft:", name,
                  "was trained as well, beside the adapters and the head" + std::string(kWayOut));
    const std::string end = name.substr(at + mark.size());
    const auto* const known =
        std::ranges::find(kParts, end, [](const auto& one) { return std::string(one.first); });
    engine::check(known != std::end(kParts), "--format peft:", name,
                  "is no part of peft's adapters" + std::string(kWayOut));
    for (const ModuleRows& module : names.of(name.substr(0, at))) {
      adapters.add(module.name + "." + known->second, end == "a" ? tensor.clone() : rows_of(tensor, module));
      if (end == "a") adapters.modules.push_back(module.name);
    }
  }
  return adapters;
}

/// The ends of names that stand for these modules in every block, as `attn.qkv` does; where a block has none
/// of an end, or another module has it, the names as they are.
std::vector<std::string> targets_of(const std::vector<std::string>& modules, const ModuleNames& names,
                                    Index blocks) {
  if (!names.ends_are_of_blocks()) return modules;
  std::map<std::string, Index> ends;
  for (const std::string& module : modules) {
    std::size_t at = 0;  // behind the number of the block
    for (std::size_t dot = module.find('.'); dot != std::string::npos; dot = module.find('.', dot + 1))
      if (dot + 1 < module.size() && std::isdigit(static_cast<unsigned char>(module[dot + 1])) != 0)
        at = module.find('.', dot + 1) + 1;
    ++ends[module.substr(at)];
  }
  const bool in_all = std::ranges::all_of(ends, [&](const auto& end) { return end.second == blocks; });
  if (!in_all) return modules;
  std::vector<std::string> targets;
  for (const auto& [end, count] : ends) targets.push_back(end);
  return targets;
}

Json adapter_config(const LowRankRun& run, const Adapters& adapters, std::vector<std::string> targets,
                    const std::string& base) {
  return {{"peft_type", "LORA"},
          {"task_type", nullptr},
          {"base_model_name_or_path", base},
          {"inference_mode", true},
          {"r", run.rank},
          {"lora_alpha", run.alpha},
          {"lora_dropout", 0.0},
          {"use_rslora", run.rslora},
          {"use_dora", run.dora},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"init_lora_weights", true},
          {"target_modules", std::move(targets)},
          {"modules_to_save", adapters.heads},
          {"rank_pattern", Json::object()},
          {"alpha_pattern", Json::object()}};
}

/// The adapters sit on the base as it is: positions resized for other images are no part of them.
void check_positions(const Exported& exported) {
  const auto positions = [](const NamedTensors& state) -> engine::Shape {
    const auto found = std::ranges::find(state, engine::kPositionsName,
                                         [](const auto& one) { return std::string_view(one.first); });
    return found == state.end() ? engine::Shape{} : found->second.shape();
  };
  const NamedTensors base = training::Weights(exported.model.checkpoint).read(false).tensors;
  const engine::Shape stored = positions(base), here = positions(engine::state(exported.model.model));
  engine::check(stored == here, "--format peft: the delta is for images of another size than the base,",
                engine::say("whose positions are", stored) + ", not", engine::say(here) + kWayOut);
}

std::string usage(const Exported& exported, const std::string& library) {
  const std::string classes = std::to_string(exported.model.model.config().classes);
  const std::string base =
      library == "timm" ? "import timm\n"
                          "base = timm.create_model(\"local-dir:BASE\", pretrained=True, num_classes=" +
                              classes + ")\n"
                        : "from transformers import AutoModelForImageClassification\n"
                          "base = AutoModelForImageClassification.from_pretrained(\n"
                          "    \"BASE\", num_labels=" +
                              classes + ", ignore_mismatched_sizes=True)\n";
  return base +
         "from peft import PeftModel\n"
         "model = PeftModel.from_pretrained(base, \"FOLDER\").eval()  # this folder\n";
}

void check_replaceable(const fs::path& out) {
  check_folder(out, "peft", kFiles);
}

std::vector<fs::path> write(const fs::path& out, const Exported& exported, const ExportOptions& options) {
  engine::check(!exported.delta.empty(), "--format peft: there are no adapters without a delta;",
                "--run RUN or --delta FILE has them");
  training::LoadedModel& model = exported.model;
  const Safetensors delta(exported.delta);
  const LowRankRun run(delta);
  const ModuleNames names(exported);
  check_positions(exported);
  Adapters adapters = adapters_of(delta, run, names);
  const std::string dtype = options.dtype.empty() ? "f32" : options.dtype;
  const Json config = adapter_config(
      run, adapters, targets_of(adapters.modules, names, model.model.config().depth), name_of_base(exported));
  engine::Metadata metadata{{"format", "pt"},
                            {"preprocessing", training::preprocessing_json(model.preprocessing)},
                            {"base_sha256", model.base_sha256}};
  if (!model.classes.empty()) metadata["classes"] = training::json_text(model.classes);
  FolderFiles files{.format = "peft",
                    .card = model_card(exported, "peft", dtype, usage(exported, names.library())),
                    .texts = {{kConfig, training::json_text(config, 2) + "\n"}},
                    .weights = kWeights,
                    .tensors = stored_as(std::move(adapters.tensors), dtype),
                    .metadata = std::move(metadata)};
  return options.only_checks ? std::vector<fs::path>{} : write_folder(out, files);
}

}  // namespace

Format peft_format() {
  return {.name = "peft",
          .readers = "peft (PeftModel), on the base in timm or transformers 5",
          .dtypes = {"f32", "f16", "bf16"},
          .folder = true,
          .keeps_adapters = true,
          .check_replaceable = check_replaceable,
          .write = write};
}

}  // namespace exports
