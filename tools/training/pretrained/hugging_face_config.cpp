#include "tools/training/pretrained/hugging_face_config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "models/zoo.h"
#include "tools/training/pretrained/config_fields.h"
#include "tools/training/pretrained/config_values.h"

namespace training {

using engine::Index;
using engine::Json;
using models::VitConfig;

namespace {

/// The model types that are a plain ViT, and what transformers takes where their config leaves it out.
constexpr struct Type {
  const char* name;
  Index heads;
  double eps;
} kTypes[] = {{"vit", 12, 1e-12}, {"vit_mae", 12, 1e-12}, {"vit_msn", 12, 1e-6}};

const Type* type_of(const Json& json) {
  const auto name = field<std::string>(json, "model_type");
  if (!name) return nullptr;
  const auto* const type = std::ranges::find(kTypes, *name, &Type::name);
  std::vector<std::string> names;
  for (const Type& t : kTypes) names.emplace_back(t.name);
  engine::check(type != std::end(kTypes), "model_type", engine::in_quotes(*name), "is not computed, only",
                engine::join(names, ", "));
  return type;
}

/// The names that transformers makes up where there are none: LABEL_0, LABEL_1, ...
bool placeholders(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] != "LABEL_" + std::to_string(i)) return false;
  return true;
}

}  // namespace

ModelConfig read_hugging_face_config(const Json& json) {
  ModelConfig config;
  const Type* const type = type_of(json);
  std::vector<std::string> unknown;
  check_config_fields(json, std::array{ConfigForm::hugging_face}, "", unknown);
  note_unknown(unknown, "config.json", config.notes);

  models::Facts& facts = config.facts;
  facts.heads = field<Index>(json, "num_attention_heads");
  facts.norm_eps = field<double>(json, "layer_norm_eps");
  facts.pooling = models::Pooling::token;
  if (type && !facts.heads) facts.heads = type->heads;
  if (type && !facts.norm_eps) facts.norm_eps = type->eps;
  config.parts.emplace();
  if (!field<bool>(json, "qkv_bias").value_or(true)) config.parts->qkv = models::QkvForm::joint_without_bias;
  facts.activation = activation_of(field<std::string>(json, "hidden_act").value_or("gelu"), "hidden_act");
  if (const auto sides = sides_of(json, "image_size", "image_size")) {
    facts.image_height = sides->height, facts.image_width = sides->width;
    config.sizes.push_back({"image_size", &VitConfig::image_height, sides->height});
    if (sides->width != sides->height)
      config.sizes.push_back({"image_size", &VitConfig::image_width, sides->width});
  }
  constexpr std::pair<const char*, Index VitConfig::*> kSizes[] = {{"hidden_size", &VitConfig::width},
                                                                   {"num_hidden_layers", &VitConfig::depth},
                                                                   {"intermediate_size", &VitConfig::hidden},
                                                                   {"num_channels", &VitConfig::channels},
                                                                   {"patch_size", &VitConfig::patch}};
  for (const auto& [name, size] : kSizes)
    if (const auto value = square_side(json, name, name)) config.sizes.push_back({name, size, *value});
  if (json.contains("id2label") && !json.at("id2label").is_null()) {
    config.classes = class_names(json.at("id2label"), "id2label");
    config.sizes.push_back({"id2label", &VitConfig::classes, static_cast<Index>(config.classes.size())});
    if (placeholders(config.classes)) config.classes.clear();
  }
  if (const auto labels = field<Index>(json, "num_labels")) {
    config.sizes.push_back({"num_labels", &VitConfig::classes, *labels});
  }
  config.no_softmax = no_softmax(json);
  return config;
}

}  // namespace training
