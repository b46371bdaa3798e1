#include "tools/exports/timm.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/nn/roles.h"
#include "engine/nn/state.h"
#include "models/words.h"
#include "models/zoo.h"
#include "tools/exports/card.h"
#include "tools/exports/folder.h"
#include "tools/exports/parts_compared.h"
#include "tools/exports/stored_values.h"
#include "tools/training/json_text.h"
#include "tools/training/pretrained/config_file.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/pretrained/model_path.h"
#include "tools/training/pretrained/timm_config.h"

namespace exports {

using data::Preprocessing;
using engine::Index;
using engine::Json;
using engine::NamedTensors;
using models::Architecture;
using models::VitConfig;
namespace fs = std::filesystem;

namespace {

constexpr const char *kConfig = "config.json", *kWeights = "model.safetensors";
/// timm's VisionTransformer with nothing special, whose arguments can say most parts.
constexpr const char* kPlain = "vit_base_patch16_224";

/// What stands in the base's config.json where that is timm's.
Json config_of_base(const std::string& base) {
  Json config = Json::object();
  if (base.empty()) return config;
  const fs::path folder = training::find_model(base).folder;
  if (folder.empty()) return config;
  training::in_config_file(folder / kConfig, [&](const Json& json) {
    if (training::is_timm_config(json)) config = json;
  });
  return config;
}

/// An architecture of which the model may be one, and arguments that its base had.
struct Candidate {
  const Architecture* architecture;
  Json args = Json::object();
  bool says_parts = false;  ///< model_args may name parts, too, as those of timm's VisionTransformer do
};

std::optional<Candidate> candidate_of_base(const Json& config) {
  const Json* name = nullptr;
  if (config.contains("architecture")) name = &config.at("architecture");
  const bool nested = config.contains("pretrained_cfg") && config.at("pretrained_cfg").is_object();
  if (!name && nested && config.at("pretrained_cfg").contains("architecture"))
    name = &config.at("pretrained_cfg").at("architecture");
  if (!name || !name->is_string()) return std::nullopt;
  const std::string text = name->get<std::string>();
  const Architecture* const known = models::find_architecture(text.substr(0, text.find('.')));
  if (!known || *known->beyond) return std::nullopt;
  Candidate candidate{.architecture = known};
  if (config.contains("model_args") && config.at("model_args").is_object())
    candidate.args = config.at("model_args");
  candidate.args.erase("num_classes");  // which transformers passes a second time
  return candidate;
}

/// How far the sizes of an architecture are from the model's: how many differ.
int differing_sizes(const VitConfig& a, const VitConfig& c) {
  return (a.width != c.width) + (a.depth != c.depth) + (a.patch != c.patch) + (a.heads != c.heads) +
         (a.hidden != c.hidden) + (a.image_height != c.image_height) + (a.image_width != c.image_width);
}

/// The architectures that may be this model with other sizes and another pooling: first the base's own, then
/// the nearest.
std::vector<Candidate> candidates(const Json& of_base, const VitConfig& c) {
  std::vector<Candidate> list;
  for (const Architecture& a : models::known_architectures()) {
    if (*a.beyond || std::string_view(a.name).starts_with("vit_demo")) continue;
    VitConfig sized = a.config;
    sized.image_height = c.image_height, sized.image_width = c.image_width, sized.patch = c.patch;
    sized.width = c.width, sized.depth = c.depth, sized.heads = c.heads, sized.hidden = c.hidden;
    sized.classes = c.classes, sized.resampling = c.resampling;
    sized.pool_heads = c.pool_heads, sized.pool_hidden = c.pool_hidden;
    if (c.pooling != models::Pooling::attention && sized.pooling != models::Pooling::attention)
      sized.pooling = c.pooling, sized.fc_norm = c.fc_norm, sized.final_norm = c.final_norm;
    if (sized == c) list.push_back({.architecture = &a});
  }
  std::ranges::stable_sort(list, {}, [&](const Candidate& one) {
    const VitConfig& a = one.architecture->config;
    return std::tuple(a.pooling != c.pooling || a.fc_norm != c.fc_norm, differing_sizes(a, c),
                      !std::string_view(one.architecture->name).starts_with("vit_"),
                      std::string_view(one.architecture->name).size());
  });
  if (auto own = candidate_of_base(of_base)) list.insert(list.begin(), std::move(*own));
  list.push_back({.architecture = models::find_architecture(kPlain), .says_parts = true});
  return list;
}

/// The ratio of which timm makes this hidden width: int(width * ratio).
double ratio_of(Index hidden, Index width) {
  double ratio = static_cast<double>(hidden) / static_cast<double>(width);
  while (static_cast<Index>(static_cast<double>(width) * ratio) < hidden) ratio = std::nextafter(ratio, 1e9);
  return ratio;
}

/// Writes an argument where the model has another value than its architecture, or where the base wrote it.
template <class T>
void set(Json& args, const char* name, const T& value, const T& of_architecture) {
  if (value != of_architecture || args.contains(name)) args[name] = value;
}

void write_sizes(const VitConfig& c, const VitConfig& a, Json& args) {
  args["img_size"] = {c.image_height, c.image_width};
  set(args, "patch_size", c.patch, a.patch);
  set(args, "embed_dim", c.width, a.width);
  set(args, "depth", c.depth, a.depth);
  set(args, "num_heads", c.heads, a.heads);
  const bool same_ratio = c.hidden * a.width == a.hidden * c.width;
  if (c.mlp == models::MlpForm::plain && (!same_ratio || args.contains("mlp_ratio")))
    args["mlp_ratio"] = ratio_of(c.hidden, c.width);
  const auto pool_heads = [](const VitConfig& of) { return of.pool_heads > 0 ? of.pool_heads : of.heads; };
  if (c.pooling == models::Pooling::attention && (pool_heads(c) != c.heads || a.pool_heads > 0))
    set(args, "attn_pool_num_heads", pool_heads(c), a.pool_heads);
}

/// The arguments of timm's VisionTransformer that say which parts there are.
void write_parts(const VitConfig& c, const VitConfig& a, Json& args) {
  using models::Positions, models::QkvForm;
  set(args, "class_token", c.class_token, a.class_token);
  set(args, "reg_tokens", c.registers, a.registers);
  set(args, "pre_norm", c.norm_pre, a.norm_pre);
  if (c.layer_scale != a.layer_scale) args["init_values"] = c.layer_scale ? Json(1e-5) : Json();
  set(args, "qkv_bias", c.qkv != QkvForm::joint_without_bias, a.qkv != QkvForm::joint_without_bias);
  set(args, "proj_bias", c.proj_bias, a.proj_bias);
  set(args, "scale_attn_norm", c.attention_norm, a.attention_norm);
  set(args, "scale_mlp_norm", c.mlp_norm, a.mlp_norm);
  if (c.positions == Positions::none) args["pos_embed"] = "none";
  set(args, "no_embed_class", c.positions == Positions::patches, a.positions == Positions::patches);
  if (c.pooling == models::Pooling::average || c.fc_norm != a.fc_norm) args["fc_norm"] = c.fc_norm;
  set(args, "final_norm", c.final_norm || c.fc_norm, a.final_norm || a.fc_norm);
  set(args, "act_layer", std::string(models::word_of(c.activation)),
      std::string(models::word_of(a.activation)));
}

Json three(const std::array<float, 3>& values) {
  return {plain(values[0]), plain(values[1]), plain(values[2])};
}

Json pretrained_cfg(const Exported& exported) {
  training::LoadedModel& model = exported.model;
  const Preprocessing& how = model.preprocessing;
  const VitConfig& c = model.model.config();
  const bool crops = how.mode == Preprocessing::Mode::crop;
  Json cfg{{"custom_load", false},
           {"input_size", {3, c.image_height, c.image_width}},
           {"fixed_input_size", true},
           {"interpolation", data::name_of(how.filter)},
           {"crop_pct", data::cuts_out(how.mode) ? how.crop_pct.height : 1.0},
           {"crop_mode", crops ? "center" : "squash"},
           {"mean", three(how.mean)},
           {"std", three(how.std)},
           {"num_classes", c.classes},
           {"pool_size", nullptr},
           {"first_conv", "patch_embed.proj"},
           {"classifier", "head"}};
  if (c.distillation_head) cfg["classifier"] = {"head", "head_dist"};
  if (!exported.license.empty()) cfg["license"] = exported.license;
  return cfg;
}

Json config_as(const Candidate& candidate, const Exported& exported) {
  training::LoadedModel& model = exported.model;
  const VitConfig &c = model.model.config(), &a = candidate.architecture->config;
  Json args = candidate.args;
  write_sizes(c, a, args);
  set(args, "global_pool", std::string(models::word_of(c.pooling)), std::string(models::word_of(a.pooling)));
  if (candidate.says_parts) write_parts(c, a, args);
  Json config{{"architecture", candidate.architecture->name},
              {"num_classes", c.classes},
              {"num_features", c.width},
              {"global_pool", models::word_of(c.pooling)}};
  if (!model.classes.empty()) config["label_names"] = model.classes;
  config["model_args"] = std::move(args);
  config["pretrained_cfg"] = pretrained_cfg(exported);
  return config;
}

/// Why timm would make another model of a config; empty where it makes this one.
std::string why_not(const Json& config, const Candidate& candidate, const Exported& exported,
                    const NamedTensors& state) {
  const VitConfig &c = exported.model.model.config(), &a = candidate.architecture->config;
  // timm makes it of its own ratio, which the tensors must have; of a plain MLP the ratio is written.
  const bool ratio_is_known = c.mlp == models::MlpForm::plain || c.width * a.hidden / a.width == c.hidden ||
                              candidate.args.contains("mlp_ratio");
  try {
    const std::string other = difference_of_parts(training::read_timm_config(config, {}), state, c);
    return !other.empty() || ratio_is_known ? other : "another width of its gated MLP";
  } catch (const engine::Error& e) {
    return e.what();
  }
}

/// Checked apart from the model, as no other architecture would help.
void check_preprocessing(const Json& config, const Preprocessing& how) {
  engine::check(how.mode != Preprocessing::Mode::longest,
                "--format timm: images are fit into their size with black sides (resize longest), which timm "
                "does not do; --format onnx has it in its metadata");
  const auto read = training::read_timm_config(config, {}).preprocessing;
  const std::string other = read ? difference_of_preprocessing(*read, how) : "nothing";
  engine::check(other.empty(),
                "--format timm: timm would prepare images otherwise:", other + "; --format hf or onnx");
}

/// The names of timm's BEiT and EVA, which are not those of its VisionTransformer.
NamedTensors in_timm_names(const Exported& exported) {
  training::LoadedModel& model = exported.model;
  const auto layout = layout_of(model);
  if (layout && layout->dialect == &models::kTimm) return in_names_of_base(model, *layout);
  const VitConfig& c = model.model.config();
  const bool of_beit = c.qkv == models::QkvForm::joint_with_query_value_bias ||
                       c.qkv == models::QkvForm::split || c.relative_bias ||
                       c.rope.kind != models::RopeConfig::Kind::none;
  NamedTensors named;
  for (const auto& [name, tensor] : engine::state(model.model)) {
    std::string theirs = name;
    for (const auto& [ours, of_timm] : {std::pair{".ls1.gamma", ".gamma_1"},
                                        {".ls2.gamma", ".gamma_2"},
                                        {".attn.qkv.q_bias", ".attn.q_bias"},
                                        {".attn.qkv.v_bias", ".attn.v_bias"}}) {
      if (of_beit && theirs.ends_with(ours))
        theirs.replace(theirs.size() - std::string_view(ours).size(), std::string::npos, of_timm);
    }
    named.emplace_back(theirs, tensor);
  }
  return named;
}

constexpr std::array kFiles{kConfig, kWeights};

void check_replaceable(const fs::path& out) {
  check_folder(out, "timm", kFiles);
}

constexpr const char* kUsage =
    "import timm, torch\n"
    "from PIL import Image\n"
    "\n"
    "model = timm.create_model(\"local-dir:FOLDER\", pretrained=True).eval()  # this folder\n"
    "transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))\n"
    "with torch.no_grad():\n"
    "    probabilities = model(transform(Image.open(\"image.jpg\").convert(\"RGB\"))[None]).softmax(1)[0]\n"
    "best = int(probabilities.argmax())\n"
    "names = model.pretrained_cfg.get(\"label_names\")\n"
    "print(names[best] if names else best, float(probabilities[best]))\n"
    "\n"
    "# or by transformers\n"
    "from transformers import pipeline\n"
    "print(pipeline(\"image-classification\", model=\"FOLDER\")(\"image.jpg\"))\n";

std::vector<fs::path> write(const fs::path& out, const Exported& exported, const ExportOptions& options) {
  const std::string dtype = dtype_to_store(exported.model, options.dtype);
  FolderFiles files{.format = "timm",
                    .card = model_card(exported, "timm", dtype, kUsage),
                    .texts = {{kConfig, training::json_text(timm_config(exported), 2) + "\n"}},
                    .weights = kWeights,
                    .tensors = stored_as(in_timm_names(exported), dtype),
                    .metadata = metadata_of_weights(exported.model)};
  return options.only_checks ? std::vector<fs::path>{} : write_folder(out, files);
}

}  // namespace

Json timm_config(const Exported& exported) {
  const VitConfig& c = exported.model.model.config();
  const NamedTensors state = engine::state(exported.model.model);
  std::string why, name;
  for (const Candidate& candidate : candidates(config_of_base(exported.base), c)) {
    Json config = config_as(candidate, exported);
    const std::string other = why_not(config, candidate, exported, state);
    if (other.empty()) {
      check_preprocessing(config, exported.model.preprocessing);
      return config;
    }
    if (why.empty()) why = other, name = candidate.architecture->name;
  }
  throw engine::Error("--format timm: timm has no architecture of this model; of the nearest, " + name +
                      ", it differs in: " + why + "; --format hf or onnx");
}

Format timm_format() {
  return {.name = "timm",
          .readers = "timm (local-dir:), transformers and espalier",
          .dtypes = {"f32", "f16", "bf16"},
          .folder = true,
          .check_replaceable = check_replaceable,
          .write = write};
}

}  // namespace exports
