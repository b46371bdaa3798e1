#include "tools/training/pretrained/timm_config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/io/in_quotes.h"
#include "models/zoo.h"
#include "tools/training/pretrained/config_fields.h"
#include "tools/training/pretrained/config_values.h"

namespace training {

using data::Preprocessing;
using engine::Index;
using engine::Json;
using models::VitConfig;

namespace {

/// A member that is an object; an empty one where it is missing.
Json object_of(const Json& json, const char* name) {
  if (!json.contains(name) || json.at(name).is_null()) return Json::object();
  engine::check(json.at(name).is_object(), name, "should be an object, not", json.at(name).type_name());
  return json.at(name);
}

/// The side of input_size [channels, height, width].
std::optional<Index> input_side(const Json& cfg, std::optional<Index>& channels) {
  const auto sizes = field<std::vector<Index>>(cfg, "input_size");
  if (!sizes) return std::nullopt;
  engine::check(sizes->size() == 3, "input_size should have three values, not", sizes->size());
  engine::check(sizes->at(1) == sizes->at(2), "input_size is", sizes->at(1), "x",
                engine::say(sizes->at(2)) + ": only squares are computed");
  channels = sizes->at(0);
  return sizes->at(2);
}

/// How images are prepared. timm resizes both sides to size / crop_pct and crops with crop_mode squash, too.
Preprocessing preprocessing_of(const Json& cfg, std::optional<Index> side, const ModelSource& options) {
  Preprocessing how{.size = side.value_or(224),
                    .mode = Preprocessing::Mode::crop,
                    .crop_pct = field<double>(cfg, "crop_pct").value_or(0.875),
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

/// What the model is: model_args, over what the architecture's name says (nothing where it is not known).
void read_model(const Json& args, const models::Architecture* known, ModelConfig& config) {
  const auto size = [&](const char* name, Index VitConfig::*member, std::optional<Index> value) {
    if (value) config.sizes.push_back({name, member, *value});
  };
  const auto arg = [&](const char* name) { return field<Index>(args, name); };
  const auto of_name = [&](auto models::Architecture::*member) {
    return known ? std::optional(known->*member) : std::nullopt;
  };
  const auto either = [](auto first, auto second) { return first ? first : second; };

  config.heads = either(arg("num_heads"), of_name(&models::Architecture::heads));
  config.norm_eps = of_name(&models::Architecture::norm_eps);
  if (const auto norm = field<std::string>(args, "norm_layer")) {
    engine::check(*norm == "layernorm", "model_args.norm_layer should be layernorm, not",
                  engine::in_quotes(*norm) + ": no other norm is computed");
    config.norm_eps = 1e-6;  // timm's own LayerNorm
  }
  config.qkv_bias = either(field<bool>(args, "qkv_bias"), of_name(&models::Architecture::qkv_bias));
  const auto pooling = field<std::string>(args, "global_pool"), act = field<std::string>(args, "act_layer");
  check_computed("model_args.global_pool", pooling.value_or(std::string(models::kPooling)),
                 "model_args.act_layer", act.value_or(std::string(models::kActivation)));

  const auto width = either(arg("embed_dim"), of_name(&models::Architecture::width));
  size("model_args.embed_dim", &VitConfig::width, width);
  size("model_args.depth", &VitConfig::depth, either(arg("depth"), of_name(&models::Architecture::depth)));
  size("model_args.patch_size", &VitConfig::patch,
       either(square_side(args, "patch_size", "model_args.patch_size"),
              of_name(&models::Architecture::patch)));
  auto ratio = field<double>(args, "mlp_ratio");
  if (!ratio && known) ratio = static_cast<double>(known->hidden) / static_cast<double>(known->width);
  if (ratio && width) {
    engine::check(*ratio > 0 && *ratio < 1e6, "model_args.mlp_ratio should be above 0, not", *ratio);
    size("model_args.mlp_ratio", &VitConfig::hidden,
         static_cast<Index>(static_cast<double>(*width) * *ratio));
  }
}

/// An architecture is named without its tag: vit_tiny_patch16_224.augreg_in21k. Some files have the name in
/// pretrained_cfg alone.
const models::Architecture* architecture_of(const Json& json, const Json& cfg, const Json& args,
                                            ModelConfig& config) {
  auto name = field<std::string>(json, "architecture");
  if (!name) name = field<std::string>(cfg, "architecture");
  if (!name) return nullptr;
  const auto* const known = models::find_architecture(name->substr(0, name->find('.')));
  if (!known) {
    config.notes.push_back("architecture " + engine::in_quotes(*name) +
                           " is not known: what config.json leaves out is taken to be that of a plain ViT");
    return nullptr;
  }
  models::Architecture asked = *known;
  // What model_args set is judged there.
  if (field<std::string>(args, "global_pool")) asked.pooling = models::kPooling.data();
  if (field<std::string>(args, "act_layer")) asked.activation = models::kActivation.data();
  models::check_can_be_made(asked);
  return known;
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
  const models::Architecture* const known = architecture_of(json, cfg, args, config);
  using enum ConfigForm;
  if (flat)
    check_config_fields(json, std::array{timm, timm_cfg}, "", unknown);
  else
    check_config_fields(json, std::array{timm}, "", unknown);
  if (!flat) check_config_fields(cfg, std::array{timm_cfg}, "pretrained_cfg.", unknown);
  check_config_fields(args, std::array{timm_args}, "model_args.", unknown);
  note_unknown(unknown, "config.json", config);

  std::optional<Index> channels;
  const auto side = input_side(cfg, channels);
  read_model(args, known, config);
  const auto img_size = square_side(args, "img_size", "model_args.img_size");
  if (img_size) config.sizes.push_back({"model_args.img_size", &VitConfig::image_size, *img_size});
  if (side && side != img_size) config.sizes.push_back({"input_size", &VitConfig::image_size, *side});
  if (const auto in_chans = field<Index>(args, "in_chans")) channels = in_chans;
  if (channels) config.sizes.push_back({"in_chans", &VitConfig::channels, *channels});

  for (const auto& [object, name] :
       {std::pair{&json, "label_names"}, std::pair{&json, "labels"}, {&cfg, "label_names"}}) {
    if (config.classes.empty() && object->contains(name) && !object->at(name).is_null())
      config.classes = class_names(object->at(name), name);
  }
  for (const Json* object : {&json, &cfg}) {
    if (const auto classes = field<Index>(*object, "num_classes")) {
      config.sizes.push_back({"num_classes", &VitConfig::classes, *classes});
      break;
    }
  }
  config.no_softmax = no_softmax(json);
  if (!flat || states_preprocessing(json))
    config.preprocessing = preprocessing_of(cfg, side ? side : img_size, options);
  return config;
}

}  // namespace training
