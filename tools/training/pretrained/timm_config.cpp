#include "tools/training/pretrained/timm_config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <tuple>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "models/words.h"
#include "tools/training/pretrained/config_fields.h"
#include "tools/training/pretrained/config_values.h"
#include "tools/training/pretrained/imagenet_classes.h"

namespace training {

using data::Preprocessing;
using engine::Index;
using engine::Json;
using models::QkvForm;
using models::VitConfig;

namespace {

/// A member that is an object; an empty one where it is missing.
Json object_of(const Json& json, const char* name) {
  if (!json.contains(name) || json.at(name).is_null()) return Json::object();
  engine::check(json.at(name).is_object(), name, "should be an object, not", json.at(name).type_name());
  return json.at(name);
}

/// Height and width of input_size [channels, height, width].
std::optional<data::ImageSize> input_size(const Json& cfg, std::optional<Index>& channels) {
  const auto sizes = field<std::vector<Index>>(cfg, "input_size");
  if (!sizes) return std::nullopt;
  engine::check(sizes->size() == 3, "input_size should have three values, not", sizes->size());
  channels = sizes->at(0);
  return data::ImageSize{sizes->at(1), sizes->at(2)};
}

/// How images are prepared. timm resizes both sides to size / crop_pct and crops with crop_mode squash, too.
Preprocessing preprocessing_of(const Json& cfg, std::optional<data::ImageSize> size,
                               const ModelSource& options) {
  Preprocessing how{
      .size = size.value_or(224),
      .mode = Preprocessing::Mode::crop,
      .crop_pct = options.crop_pct != 0 ? options.crop_pct : field<double>(cfg, "crop_pct").value_or(0.875),
      .mean = {0.485f, 0.456f, 0.406f},
      .std = {0.229f, 0.224f, 0.225f}};
  const auto filter = field<std::string>(cfg, "interpolation");
  if (filter && options.interpolation.empty()) how.filter = data::filter_named(*filter);
  const std::string mode = field<std::string>(cfg, "crop_mode").value_or("center");
  engine::check(mode == "center" || mode == "squash" || !options.resize.empty(),
                "crop_mode should be center or squash, not",
                engine::in_quotes(mode) + "; --resize overrides it");
  if (mode == "squash") {
    how.mode = how.crop_pct == 1 ? Preprocessing::Mode::squash : Preprocessing::Mode::squash_crop;
  }
  read_three(cfg, "mean", how.mean);
  read_three(cfg, "std", how.std);
  check_stored(how);
  return how;
}

/// True where the root has fields of pretrained_cfg, in the flat form of old files.
bool states_preprocessing(const Json& root) {
  return std::ranges::any_of(
      std::array{"architecture", "input_size", "interpolation", "crop_pct", "crop_mode", "mean", "std"},
      [&](const char* name) { return root.contains(name); });
}

/// The parts of a model that model_args name. What they leave out is as in `c`.
void read_parts(const Json& args, VitConfig& c) {
  const auto set = [&](const char* name, auto& member) {
    if (const auto value = field<std::decay_t<decltype(member)>>(args, name)) member = *value;
  };
  set("class_token", c.class_token);
  set("reg_tokens", c.registers);
  set("pre_norm", c.norm_pre);
  set("proj_bias", c.proj_bias);
  set("scale_attn_norm", c.attention_norm);
  set("scale_mlp_norm", c.mlp_norm);
  if (const auto values = field<double>(args, "init_values")) c.layer_scale = *values != 0;
  if (const auto bias = field<bool>(args, "qkv_bias"); bias && c.qkv != QkvForm::split)
    c.qkv =
        *bias ? (c.qkv == QkvForm::joint_without_bias ? QkvForm::joint : c.qkv) : QkvForm::joint_without_bias;
  if (const auto kind = field<std::string>(args, "pos_embed")) {
    engine::check(*kind == "learn" || *kind == "none", "model_args.pos_embed should be learn or none, not",
                  engine::in_quotes(*kind));
    if (*kind == "none") c.positions = models::Positions::none;
  }
  if (const auto no_class = field<bool>(args, "no_embed_class");
      no_class && c.positions != models::Positions::none)
    c.positions = *no_class ? models::Positions::patches : models::Positions::all;
  const bool had_final_norm = c.final_norm || c.fc_norm;
  if (const auto name = field<std::string>(args, "global_pool")) {
    const auto pooling = models::pooling_named(*name);
    engine::check(pooling && *pooling != models::Pooling::token_and_average,
                  "model_args.global_pool should be token, avg or map, not", engine::in_quotes(*name));
    // A norm behind the average in place of the one before it, unless fc_norm says otherwise.
    if (*pooling != c.pooling) c.fc_norm = *pooling == models::Pooling::average;
    c.pooling = *pooling;
  }
  set("fc_norm", c.fc_norm);
  const bool final_norm = field<bool>(args, "final_norm").value_or(had_final_norm);
  c.fc_norm = c.fc_norm && final_norm;
  c.final_norm = final_norm && !c.fc_norm;
}

/// What the model is: model_args, over what the architecture's name says (nothing where it is not known).
void read_model(const Json& args, const models::Architecture* known, ModelConfig& config) {
  const auto size = [&](const char* name, Index VitConfig::*member, std::optional<Index> value) {
    if (value) config.sizes.push_back({name, member, *value});
  };
  const auto arg = [&](const char* name) { return field<Index>(args, name); };
  const auto of_name = [&](Index VitConfig::*member) {
    return known ? std::optional(known->config.*member) : std::nullopt;
  };
  const auto either = [](auto first, auto second) { return first ? first : second; };

  VitConfig parts = known ? known->config : VitConfig{};
  read_parts(args, parts);
  if (known) config.facts = models::facts_of(parts);
  config.facts.image_height = config.facts.image_width = std::nullopt;
  if (known || !args.empty()) config.parts = parts;
  if (field<std::string>(args, "global_pool")) config.facts.pooling = parts.pooling;
  if (const auto heads = arg("num_heads")) config.facts.heads = heads;
  if (const auto heads = arg("attn_pool_num_heads")) config.facts.pool_heads = heads;
  if (const auto norm = field<std::string>(args, "norm_layer")) {
    engine::check(*norm == "layernorm", "model_args.norm_layer should be layernorm, not",
                  engine::in_quotes(*norm) + ": no other norm is computed");
    config.facts.norm_eps = 1e-6;  // timm's own LayerNorm
  }
  if (const auto act = field<std::string>(args, "act_layer"))
    config.facts.activation = activation_of(*act, "model_args.act_layer");

  const auto width = either(arg("embed_dim"), of_name(&VitConfig::width));
  size("model_args.embed_dim", &VitConfig::width, width);
  size("model_args.depth", &VitConfig::depth, either(arg("depth"), of_name(&VitConfig::depth)));
  size("model_args.patch_size", &VitConfig::patch,
       either(square_side(args, "patch_size", "model_args.patch_size"), of_name(&VitConfig::patch)));
  if (const auto ratio = field<double>(args, "mlp_ratio");
      ratio && width && parts.mlp == models::MlpForm::plain) {
    engine::check(*ratio > 0 && *ratio < 1e6, "model_args.mlp_ratio should be above 0, not", *ratio);
    size("model_args.mlp_ratio", &VitConfig::hidden,
         static_cast<Index>(static_cast<double>(*width) * *ratio));
  } else if (known && !arg("embed_dim")) {
    size("architecture", &VitConfig::hidden, known->config.hidden);
  }
}

/// The name without its tag: vit_tiny_patch16_224.augreg_in21k.
std::string without_tag(const std::string& name) {
  return name.substr(0, name.find('.'));
}

/// Some files have the architecture's name in pretrained_cfg alone.
const models::Architecture* architecture_of(const Json& json, const Json& cfg, ModelConfig& config) {
  auto name = field<std::string>(json, "architecture");
  const auto of_weights = field<std::string>(cfg, "architecture");
  if (name && of_weights && without_tag(*name) != without_tag(*of_weights))
    config.notes.push_back(engine::say("config.json: architecture is", engine::in_quotes(*name), "but",
                                       engine::in_quotes(*of_weights),
                                       "in pretrained_cfg; the former counts"));
  if (!name) name = of_weights;
  if (!name) return nullptr;
  config.stated_by = "config.json: architecture " + engine::in_quotes(*name);
  const auto* const known = models::find_architecture(without_tag(*name));
  if (!known) {
    config.unknown_architecture = *name;
    return nullptr;
  }
  models::check_can_be_made(*known);
  return known;
}

/// The tag behind an architecture's name, or that of pretrained_cfg; empty without one. It says nothing about
/// the numbers, so that one of another type is none.
std::string tag_of(const Json& json, const Json& cfg) {
  for (const Json* object : {&json, &cfg})
    if (const auto name = field<std::string>(*object, "architecture");
        name && name->find('.') != std::string::npos)
      return name->substr(name->find('.') + 1);
  const auto tag = cfg.find("tag");
  return tag != cfg.end() && tag->is_string() ? tag->get<std::string>() : "";
}

/// The first list of names counts.
void read_class_names(const Json& json, const Json& cfg, ModelConfig& config) {
  std::string counts;
  for (const auto& [object, where, name] :
       {std::tuple<const Json*, const char*, const char*>{&json, "", "label_names"},
        {&json, "", "labels"},
        {&cfg, "pretrained_cfg.", "label_names"}}) {
    if (!object->contains(name) || object->at(name).is_null()) continue;
    const std::vector<std::string> names = class_names(object->at(name), name);
    if (names.empty()) continue;
    if (counts.empty())
      config.classes = names, counts = std::string(where) + name;
    else if (names != config.classes)
      config.notes.push_back(engine::say("config.json:", counts, "and", std::string(where) + name,
                                         "name other classes; the former counts"));
  }
}

}  // namespace

bool is_timm_config(const Json& json) {
  return std::ranges::any_of(std::array{"architecture", "pretrained_cfg", "model_args", "label_names"},
                             [&](const char* name) { return json.contains(name); });
}

ModelConfig read_timm_config(const Json& json, const ModelSource& options) {
  ModelConfig config;
  std::vector<std::string> unknown;
  const bool flat = !json.contains("pretrained_cfg");
  const Json cfg = flat ? json : object_of(json, "pretrained_cfg"), args = object_of(json, "model_args");
  const models::Architecture* const known = architecture_of(json, cfg, config);
  using enum ConfigForm;
  if (flat)
    check_config_fields(json, std::array{timm, timm_cfg}, "", unknown);
  else
    check_config_fields(json, std::array{timm}, "", unknown);
  if (!flat) check_config_fields(cfg, std::array{timm_cfg}, "pretrained_cfg.", unknown);
  check_config_fields(args, std::array{timm_args}, "model_args.", unknown);
  note_unknown(unknown, "config.json", config.notes);

  std::optional<Index> channels;
  const auto input = input_size(cfg, channels);
  read_model(args, known, config);
  const auto img_size = image_size_in(args, "img_size", "model_args.img_size");
  if (img_size) config.image_sizes.push_back({"model_args.img_size", *img_size});
  if (input && input != img_size) config.image_sizes.push_back({"input_size", *input});
  if (const auto size = img_size ? img_size : input)
    config.facts.image_height = size->height, config.facts.image_width = size->width;
  if (const auto in_chans = field<Index>(args, "in_chans")) channels = in_chans;
  if (channels) config.sizes.push_back({"in_chans", &VitConfig::channels, *channels});

  read_class_names(json, cfg, config);
  if (const auto classes = field<Index>(args, "num_classes"))
    config.sizes.push_back({"model_args.num_classes", &VitConfig::classes, *classes});
  for (const Json* object : {&json, &cfg}) {
    if (const auto classes = field<Index>(*object, "num_classes")) {
      config.sizes.push_back({"num_classes", &VitConfig::classes, *classes});
      break;
    }
  }
  if (const std::string tag = tag_of(json, cfg); is_imagenet_tag(tag)) config.imagenet_tag = tag;
  config.no_softmax = no_softmax(json);
  if (!flat || states_preprocessing(json))
    config.preprocessing = preprocessing_of(cfg, input ? input : img_size, options);
  return config;
}

}  // namespace training
