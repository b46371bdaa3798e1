#include "tools/training/pretrained/hugging_face_config.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "models/zoo.h"
#include "tools/training/pretrained/config_fields.h"
#include "tools/training/pretrained/config_values.h"

namespace training {

using engine::Index;
using engine::Json;
using models::Pooling;
using models::Positions;
using models::QkvForm;
using models::Resampling;
using models::VitConfig;

namespace {

/// One of the classes that transformers has for a model type; empty where config.json does not say.
std::string class_of(const Json& root) {
  const auto classes = field<std::vector<std::string>>(root, "architectures");
  return classes && !classes->empty() ? classes->front() : std::string();
}

bool is_classifier(const Json& root) {
  return class_of(root).ends_with("ForImageClassification");
}

bool flag(const Json& json, const char* name, bool otherwise) {
  return field<bool>(json, name).value_or(otherwise);
}

// What a type has beyond a plain ViT. `json` is the config of the images' tower, `root` the whole.

void plain(const Json& json, const Json&, ModelConfig& config) {
  if (!flag(json, "qkv_bias", true)) config.parts->qkv = QkvForm::joint_without_bias;
}

void deit(const Json& json, const Json& root, ModelConfig& config) {
  plain(json, root, config);
  config.parts->distillation_token = true;
  if (!class_of(root).empty()) config.facts.distillation_head = class_of(root).ends_with("WithTeacher");
}

void ijepa(const Json& json, const Json& root, ModelConfig& config) {
  plain(json, root, config);
  config.parts->class_token = false;
  config.facts.pooling = Pooling::average;
}

void beit(const Json& json, const Json&, ModelConfig& config) {
  VitConfig& c = *config.parts;
  const bool mean = flag(json, "use_mean_pooling", true);
  const bool each = flag(json, "use_relative_position_bias", false);
  const bool shared = flag(json, "use_shared_relative_position_bias", false);
  engine::check(!each || !shared,
                "use_relative_position_bias and use_shared_relative_position_bias are both true, and the sum "
                "of two tables is not computed");
  c.relative_bias = each || shared;
  if (!flag(json, "use_absolute_position_embeddings", false)) c.positions = Positions::none;
  c.qkv = QkvForm::joint_with_query_value_bias;
  c.layer_scale = field<double>(json, "layer_scale_init_value").value_or(0.1) > 0;
  c.final_norm = !mean, c.fc_norm = mean;
  config.facts.pooling = mean ? Pooling::average : Pooling::token;
}

void dinov2(const Json& json, const Json& root, ModelConfig& config) {
  plain(json, root, config);
  const bool gated = flag(json, "use_swiglu_ffn", false);
  config.parts->layer_scale = true;
  if (gated) config.parts->mlp = models::MlpForm::swiglu;
  if (is_classifier(root)) config.facts.pooling = Pooling::token_and_average;
  const auto width = field<Index>(json, "hidden_size");
  const double ratio = field<double>(json, "mlp_ratio").value_or(4);
  if (!width || !(ratio > 0 && ratio < 1e6) || *width > 1'000'000) return;
  const Index hidden = static_cast<Index>(static_cast<double>(*width) * ratio);
  config.sizes.push_back({"mlp_ratio", &VitConfig::hidden, gated ? (hidden * 2 / 3 + 7) / 8 * 8 : hidden});
}

void dinov2_with_registers(const Json& json, const Json& root, ModelConfig& config) {
  dinov2(json, root, config);
  config.parts->registers = field<Index>(json, "num_register_tokens").value_or(4);
  config.facts.positions = Positions::all_but_registers;
}

void dinov3(const Json& json, const Json&, ModelConfig& config) {
  VitConfig& c = *config.parts;
  const bool query = flag(json, "query_bias", true), key = flag(json, "key_bias", false),
             value = flag(json, "value_bias", true), gated = flag(json, "use_gated_mlp", false);
  engine::check(query == value && (query || !key),
                "query_bias, key_bias and value_bias should be all false, all true, or key_bias alone false: "
                "nothing else is computed");
  c.qkv = key ? QkvForm::joint : query ? QkvForm::joint_with_query_value_bias : QkvForm::joint_without_bias;
  c.positions = Positions::none;
  c.registers = field<Index>(json, "num_register_tokens").value_or(0);
  c.proj_bias = flag(json, "proj_bias", true);
  c.mlp_bias = flag(json, "mlp_bias", true);
  c.layer_scale = true;
  if (gated) c.mlp = models::MlpForm::swiglu_split;
  engine::check(!gated || config.facts.activation == engine::Activation::silu,
                "hidden_act of a gated MLP should be silu: no other is computed");
  const double theta = field<double>(json, "rope_theta").value_or(100);
  engine::check(theta > 0, "rope_theta should be above 0, not", theta);
  config.facts.rope = {.kind = models::RopeConfig::Kind::dinov3, .temperature = theta};
}

void clip(const Json&, const Json& root, ModelConfig& config) {
  VitConfig& c = *config.parts;
  c.norm_pre = true, c.patch_bias = false;
  if (is_classifier(root)) c.final_norm = false, config.facts.pooling = Pooling::average;
}

void siglip(const Json& json, const Json& root, ModelConfig& config) {
  VitConfig& c = *config.parts;
  c.class_token = false;
  config.facts.pooling =
      flag(json, "vision_use_head", true) && !is_classifier(root) ? Pooling::attention : Pooling::average;
}

using enum ConfigForm;

/// The model types that are computed, and what transformers takes where their config leaves it out.
constexpr struct Type {
  const char* name;
  Index heads;
  double eps;
  const char* activation;
  void (*read)(const Json& json, const Json& root, ModelConfig& config);
  ConfigForm form = ConfigForm::hugging_face;  ///< of the fields that it has beyond ViT's
  Resampling resampling = Resampling::bicubic;
  /// Which class it is decides the pooling: where config.json does not name it, the tensors do.
  bool by_class = false;
  bool squares_only = false;  ///< image_size is one number
} kTypes[] = {
    {"vit", 12, 1e-12, "gelu", plain},
    {"vit_mae", 12, 1e-12, "gelu", plain},
    {"vit_msn", 12, 1e-6, "gelu", plain},
    {"deit", 12, 1e-12, "gelu", deit},
    {"ijepa", 12, 1e-12, "gelu", ijepa},
    {"beit", 12, 1e-12, "gelu", beit, hugging_face_beit},
    {"data2vec-vision", 12, 1e-12, "gelu", beit, hugging_face_beit},
    {"dinov2", 12, 1e-6, "gelu", dinov2, hugging_face_dinov2},
    {"dinov2_with_registers", 12, 1e-6, "gelu", dinov2_with_registers, hugging_face_dinov2,
     Resampling::bicubic_antialias},
    {"dinov3_vit", 6, 1e-5, "gelu", dinov3, hugging_face_dinov3},
    {"clip", 12, 1e-5, "quick_gelu", clip, hugging_face_two_towers, Resampling::bicubic, true, true},
    {"clip_vision_model", 12, 1e-5, "quick_gelu", clip, hugging_face_two_towers, Resampling::bicubic, true,
     true},
    {"siglip", 12, 1e-6, "gelu_pytorch_tanh", siglip, hugging_face_two_towers, Resampling::bicubic, true,
     true},
    {"siglip_vision_model", 12, 1e-6, "gelu_pytorch_tanh", siglip, hugging_face_two_towers,
     Resampling::bicubic, true, true},
};

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

/// The config of the images' tower where there are two: vision_config, over which old files have another.
Json vision_of(const Json& root, std::span<const ConfigForm> forms, std::vector<std::string>& unknown) {
  Json vision = root;
  bool nested = false;
  for (const char* name : {"vision_config", "vision_config_dict"}) {
    const bool two_towers = std::ranges::find(forms, hugging_face_two_towers) != forms.end();
    if (!two_towers || !root.contains(name) || root.at(name).is_null()) continue;
    const Json& inner = root.at(name);
    engine::check(inner.is_object(), name, "should be an object, not", inner.type_name());
    check_config_fields(inner, forms, std::string(name) + ".", unknown);
    if (!nested) vision = Json::object();
    vision.update(inner);
    nested = true;
  }
  return vision;
}

/// The names that transformers makes up where there are none: LABEL_0, LABEL_1, ...
bool placeholders(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] != "LABEL_" + std::to_string(i)) return false;
  return true;
}

}  // namespace

ModelConfig read_hugging_face_config(const Json& root) {
  ModelConfig config;
  const Type* const type = type_of(root);
  std::vector<std::string> unknown;
  const std::array forms{hugging_face, type ? type->form : hugging_face};
  check_config_fields(root, forms, "", unknown);
  const Json json = vision_of(root, forms, unknown);
  note_unknown(unknown, "config.json", config.notes);

  models::Facts& facts = config.facts;
  facts.heads = field<Index>(json, "num_attention_heads");
  facts.norm_eps = field<double>(json, "layer_norm_eps");
  facts.pooling = Pooling::token;
  if (type && !facts.heads) facts.heads = type->heads;
  if (type && !facts.norm_eps) facts.norm_eps = type->eps;
  if (type) facts.resampling = type->resampling;
  facts.activation = activation_of(
      field<std::string>(json, "hidden_act").value_or(type ? type->activation : "gelu"), "hidden_act");
  config.parts.emplace();
  (type ? type->read : plain)(json, root, config);
  config.parts->pooling = facts.pooling.value_or(Pooling::token);
  if (type && type->by_class && class_of(root).empty()) facts.pooling.reset(), config.parts.reset();
  if (const auto size = image_size_in(json, "image_size", "image_size")) {
    engine::check(size->is_single() || !type || !type->squares_only, "image_size is",
                  engine::say(*size) + ": a model of model_type", type ? type->name : "",
                  "has square images only");
    facts.image_height = size->height, facts.image_width = size->width;
    config.image_sizes.push_back({"image_size", *size});
  }
  constexpr std::pair<const char*, Index VitConfig::*> kSizes[] = {{"hidden_size", &VitConfig::width},
                                                                   {"num_hidden_layers", &VitConfig::depth},
                                                                   {"intermediate_size", &VitConfig::hidden},
                                                                   {"num_channels", &VitConfig::channels},
                                                                   {"patch_size", &VitConfig::patch}};
  for (const auto& [name, size] : kSizes)
    if (const auto value = square_side(json, name, name)) config.sizes.push_back({name, size, *value});
  if (root.contains("id2label") && !root.at("id2label").is_null()) {
    config.classes = class_names(root.at("id2label"), "id2label");
    config.sizes.push_back({"id2label", &VitConfig::classes, static_cast<Index>(config.classes.size())});
    if (placeholders(config.classes)) config.classes.clear();
  }
  if (const auto labels = field<Index>(root, "num_labels")) {
    config.sizes.push_back({"num_labels", &VitConfig::classes, *labels});
  }
  config.no_softmax = no_softmax(root);
  return config;
}

}  // namespace training
