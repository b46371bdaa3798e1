#include "tools/training/pretrained/open_clip_config.h"

#include <array>
#include <nlohmann/json.hpp>

#include "engine/io/in_quotes.h"
#include "models/words.h"
#include "tools/training/pretrained/config_fields.h"
#include "tools/training/pretrained/config_values.h"

namespace training {

using engine::Index;
using engine::Json;
using models::Pooling;
using models::VitConfig;

namespace {

constexpr Index kImageSize = 224, kWidth = 768, kHeadWidth = 64;
constexpr double kMlpRatio = 4, kEps = 1e-5;

Json member(const Json& json, const char* name) {
  if (!json.contains(name) || json.at(name).is_null()) return Json::object();
  engine::check(json.at(name).is_object(), name, "should be an object, not", json.at(name).type_name());
  return json.at(name);
}

/// A tower that is one of timm's models.
void read_timm_tower(const Json& vision, const std::string& name, ModelConfig& config) {
  config.stated_by = "open_clip_config.json: timm_model_name " + engine::in_quotes(name);
  const auto* const known = models::find_architecture(name.substr(0, name.find('.')));
  engine::check(known != nullptr, "timm_model_name", engine::in_quotes(name), "is not known");
  models::check_can_be_made(*known);
  VitConfig parts = known->config;
  const std::string pool = field<std::string>(vision, "timm_pool").value_or("avg");
  if (!pool.empty()) {
    const auto pooling = models::pooling_named(pool);
    engine::check(pooling && *pooling != Pooling::token_and_average,
                  "timm_pool should be token, avg or map, not", engine::in_quotes(pool));
    parts.pooling = *pooling;
  }
  config.facts = models::facts_of(parts);
  config.parts = parts;
}

/// Its own.
void read_tower(const Json& vision, bool quick_gelu, ModelConfig& config) {
  VitConfig parts;
  const std::string pool = field<std::string>(vision, "pool_type").value_or("tok");
  engine::check(pool == "tok" || pool == "avg", "pool_type should be tok or avg, not",
                engine::in_quotes(pool) + ": nothing else is computed");
  engine::check(!vision.contains("layers") || vision.at("layers").is_number(),
                "layers should be a number: only Vision Transformers are computed");
  parts.pooling = pool == "tok" ? Pooling::token : Pooling::average;
  const bool after = field<bool>(vision, "final_ln_after_pool").value_or(false);
  parts.final_norm = !after, parts.fc_norm = after;
  parts.patch_bias = false;
  parts.norm_pre = !field<bool>(vision, "no_ln_pre").value_or(false);
  parts.layer_scale = vision.contains("ls_init_value") && !vision.at("ls_init_value").is_null();
  const Index width = field<Index>(vision, "width").value_or(kWidth);
  const Index head_width = field<Index>(vision, "head_width").value_or(kHeadWidth);
  engine::check(head_width > 0 && width > 0, "width and head_width should be positive, not", width, "and",
                head_width);
  config.facts = {.heads = width / head_width,
                  .norm_eps = kEps,
                  .activation = quick_gelu ? engine::Activation::quick_gelu : engine::Activation::gelu,
                  .pooling = parts.pooling,
                  .pooled_norm = after};
  config.parts = parts;
  const auto size = [&](const char* name, Index VitConfig::*member, std::optional<Index> value) {
    if (value) config.sizes.push_back({name, member, *value, "open_clip_config.json"});
  };
  size("vision_cfg.width", &VitConfig::width, field<Index>(vision, "width"));
  size("vision_cfg.layers", &VitConfig::depth, field<Index>(vision, "layers"));
  size("vision_cfg.patch_size", &VitConfig::patch,
       square_side(vision, "patch_size", "vision_cfg.patch_size"));
  const double ratio = field<double>(vision, "mlp_ratio").value_or(kMlpRatio);
  engine::check(ratio > 0 && ratio < 1e6, "vision_cfg.mlp_ratio should be above 0, not", ratio);
  if (width < 1'000'000)
    size("vision_cfg.mlp_ratio", &VitConfig::hidden, static_cast<Index>(static_cast<double>(width) * ratio));
}

}  // namespace

ModelConfig read_open_clip_config(const Json& json) {
  ModelConfig config;
  config.stated_by = "open_clip_config.json";
  const Json model = member(json, "model_cfg"), vision = member(model, "vision_cfg");
  std::vector<std::string> unknown;
  check_config_fields(json, std::array{ConfigForm::open_clip}, "", unknown);
  check_config_fields(model, std::array{ConfigForm::open_clip_model}, "model_cfg.", unknown);
  check_config_fields(vision, std::array{ConfigForm::open_clip_vision}, "vision_cfg.", unknown);
  note_unknown(unknown, "open_clip_config.json", config.notes);
  if (const auto name = field<std::string>(vision, "timm_model_name"))
    read_timm_tower(vision, *name, config);
  else
    read_tower(vision, field<bool>(model, "quick_gelu").value_or(false), config);
  const data::ImageSize size =
      image_size_in(vision, "image_size", "vision_cfg.image_size").value_or(kImageSize);
  config.facts.image_height = size.height, config.facts.image_width = size.width;
  config.image_sizes.push_back({"vision_cfg.image_size", size, "open_clip_config.json"});
  return config;
}

}  // namespace training
