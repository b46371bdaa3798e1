#include "tools/exports/hugging_face.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/nn/roles.h"
#include "engine/nn/state.h"
#include "models/names.h"
#include "tools/exports/card.h"
#include "tools/exports/folder.h"
#include "tools/exports/hugging_face_base.h"
#include "tools/exports/parts_compared.h"
#include "tools/exports/stored_values.h"
#include "tools/training/json_text.h"
#include "tools/training/pretrained/hugging_face_config.h"
#include "tools/training/pretrained/image_processor.h"

namespace exports {

using data::Preprocessing;
using engine::Index;
using engine::Json;
using engine::NamedTensors;
using engine::Tensor;
using models::VitConfig;
namespace fs = std::filesystem;

namespace {

constexpr const char *kConfig = "config.json", *kProcessor = "preprocessor_config.json",
                     *kWeights = "model.safetensors";

constexpr const char* kWayOut = "; --format timm or onnx";

/// transformers' word for an activation.
const char* hidden_act(engine::Activation activation) {
  switch (activation) {
    case engine::Activation::gelu_tanh:
      return "gelu_pytorch_tanh";
    case engine::Activation::quick_gelu:
      return "quick_gelu";
    case engine::Activation::silu:
      return "silu";
    default:
      return "gelu";
  }
}

/// One number, or height and width.
Json sides(Index height, Index width) {
  return height == width ? Json(height) : Json{height, width};
}

/// The config of a ViT of these sizes.
Json config_of_vit(const VitConfig& c) {
  return {{"model_type", "vit"},
          {"hidden_size", c.width},
          {"num_hidden_layers", c.depth},
          {"num_attention_heads", c.heads},
          {"intermediate_size", c.hidden},
          {"patch_size", c.patch},
          {"num_channels", c.channels},
          {"layer_norm_eps", c.norm_eps},
          {"hidden_act", hidden_act(c.activation)},
          {"qkv_bias", c.qkv != models::QkvForm::joint_without_bias},
          {"hidden_dropout_prob", 0.0},
          {"attention_probs_dropout_prob", 0.0},
          {"initializer_range", 0.02}};
}

/// Names of classes as transformers has them, for every row of the head.
std::vector<std::string> labels(const training::LoadedModel& model) {
  if (!model.classes.empty()) return model.classes;
  std::vector<std::string> names;
  for (Index i = 0; i < model.model.config().classes; ++i) names.push_back("LABEL_" + std::to_string(i));
  return names;
}

void write_labels(const std::vector<std::string>& names, Json& config) {
  Json id2label = Json::object(), label2id = Json::object();
  for (std::size_t i = 0; i < names.size(); ++i) {
    id2label[std::to_string(i)] = names[i];
    label2id[names[i]] = i;
  }
  config["id2label"] = std::move(id2label);
  config["label2id"] = std::move(label2id);
}

/// A tower's config alone is what transformers' classifiers have as vision_config.
void put_into_tower(const char* type, Json& config) {
  if (config.at("model_type") == type) return;
  Json tower = std::move(config);
  config = {{"model_type", type}};
  config["vision_config"] = std::move(tower);
}

/// The layer names of transformers' ViT, with queries, keys and values apart, to be filled by to_names_of().
NamedTensors names_of_vit(const VitConfig& c) {
  NamedTensors like;
  const auto add = [&](const std::string& name, bool bias = true) {
    like.emplace_back(name + ".weight", Tensor());
    if (bias) like.emplace_back(name + ".bias", Tensor());
  };
  like.emplace_back("vit.embeddings.cls_token", Tensor());
  like.emplace_back("vit.embeddings.position_embeddings", Tensor());
  add("vit.embeddings.patch_embeddings.projection");
  for (Index i = 0; i < c.depth; ++i) {
    const std::string block = "vit.encoder.layer." + std::to_string(i) + ".";
    for (const char* name : {"query", "key", "value"})
      add(block + "attention.attention." + name, c.qkv != models::QkvForm::joint_without_bias);
    for (const char* name : {"attention.output.dense", "intermediate.dense", "output.dense",
                             "layernorm_before", "layernorm_after"})
      add(block + name);
  }
  add("vit.layernorm");
  add("classifier");
  return like;
}

/// The tensors under Hugging Face's names, of a base with others under ViT's.
NamedTensors named(training::LoadedModel& model) {
  const auto layout = layout_of(model);
  if (layout && is_hugging_face(*layout->dialect)) return in_names_of_base(model, *layout);
  return models::to_names_of(engine::state(model.model), names_of_vit(model.model.config()));
}

constexpr std::array kFiles{kConfig, kProcessor, kWeights};

void check_replaceable(const fs::path& out) {
  check_folder(out, "hf", kFiles);
}

constexpr const char* kUsage =
    "from transformers import pipeline\n"
    "\n"
    "classify = pipeline(\"image-classification\", model=\"FOLDER\")  # this folder\n"
    "print(classify(\"image.jpg\"))\n";

std::vector<fs::path> write(const fs::path& out, const Exported& exported, const ExportOptions& options) {
  const std::string dtype = dtype_to_store(exported.model, options.dtype);
  const Json config = hugging_face_config(exported, dtype == "f16"    ? "float16"
                                                    : dtype == "bf16" ? "bfloat16"
                                                                      : "float32");
  const Json processor = image_processor_config(exported.model.preprocessing);
  FolderFiles files{.format = "hf",
                    .card = model_card(exported, "transformers", dtype, kUsage),
                    .texts = {{kConfig, training::json_text(config, 2) + "\n"},
                              {kProcessor, training::json_text(processor, 2) + "\n"}},
                    .weights = kWeights,
                    .tensors = stored_as(named(exported.model), dtype),
                    .metadata = metadata_of_weights(exported.model)};
  return options.only_checks ? std::vector<fs::path>{} : write_folder(out, files);
}

}  // namespace

Json hugging_face_config(const Exported& exported, const std::string& dtype) {
  training::LoadedModel& model = exported.model;
  const VitConfig& c = model.model.config();
  engine::check(model.has_head, "--format hf: the model has no head, and transformers' classifiers have one;",
                "tune one, or --format timm");
  const auto layout = layout_of(model);
  const bool own_names = layout && is_hugging_face(*layout->dialect);
  Json config = own_names ? hugging_face_config_of(exported.base) : Json::object();
  engine::check(
      !own_names || !config.empty() || layout->dialect == &models::kHuggingFaceVit,
      "--format hf: beside the base there is no config.json, which says what transformers calls the "
      "model" +
          std::string(kWayOut));
  if (config.empty()) config = config_of_vit(c);
  const std::string type = config.value("model_type", "vit");
  const Classifier* const classifier = find_classifier(type, c.distillation_head);
  engine::check(classifier != nullptr, "--format hf: transformers has no classifier for model_type",
                engine::in_quotes(type) + kWayOut);
  for (const char* const name : kOfAnotherHead) config.erase(name);
  if (*classifier->two_towers)
    put_into_tower(classifier->two_towers, config);
  else
    config["model_type"] = classifier->written;
  Json& tower = *classifier->two_towers ? config["vision_config"] : config;
  if (config.contains("vision_config_dict")) {  // which old files have over it
    if (config["vision_config_dict"].is_object()) tower.update(config["vision_config_dict"]);
    config.erase("vision_config_dict");
  }
  tower["image_size"] = sides(c.image_height, c.image_width);
  config["architectures"] = {classifier->name};
  config["dtype"] = dtype;
  write_labels(labels(model), config);
  std::string other;
  try {
    other = difference_of_parts(training::read_hugging_face_config(config), engine::state(model.model), c);
  } catch (const engine::Error& e) {
    other = e.what();
  }
  engine::check(other.empty(), "--format hf:", classifier->name,
                "differs from this model in:", other + kWayOut);
  return config;
}

Json image_processor_config(const Preprocessing& how) {
  using Mode = Preprocessing::Mode;
  const data::ImageSize resized = resized_size(how);
  const bool cuts = data::cuts_out(how.mode);
  Json json{{"image_processor_type", how.mode == Mode::crop ? "CLIPImageProcessor"
                                     : cuts                 ? "DeiTImageProcessor"
                                                            : "ViTImageProcessor"},
            {"do_convert_rgb", true},
            {"do_resize", true},
            {"resample", how.filter == data::Filter::bicubic ? 3 : 2},
            {"do_rescale", true},
            {"rescale_factor", 1.0 / 255},
            {"do_normalize", true},
            {"image_mean", {plain(how.mean[0]), plain(how.mean[1]), plain(how.mean[2])}},
            {"image_std", {plain(how.std[0]), plain(how.std[1]), plain(how.std[2])}}};
  if (how.mode == Mode::crop)
    json["size"] = {{"shortest_edge", std::min(resized.height, resized.width)}};
  else
    json["size"] = {{"height", resized.height}, {"width", resized.width}};
  if (cuts) {
    json["do_center_crop"] = true;
    json["crop_size"] = {{"height", how.size.height}, {"width", how.size.width}};
  }
  std::vector<std::string> notes;
  std::string other;
  try {
    other = difference_of_preprocessing(training::read_image_processor(json, kProcessor, {}, notes), how);
  } catch (const engine::Error& e) {
    other = e.what();
  }
  engine::check(other.empty(), "--format hf: transformers' image processors would prepare images otherwise:",
                other + kWayOut);
  return json;
}

Format hugging_face_format() {
  return {.name = "hf",
          .readers = "transformers (AutoModelForImageClassification, pipeline) and espalier",
          .dtypes = {"f32", "f16", "bf16"},
          .folder = true,
          .check_replaceable = check_replaceable,
          .write = write};
}

}  // namespace exports
