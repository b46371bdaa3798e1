#include "tools/exports/module_names.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/nn/roles.h"
#include "tools/exports/hugging_face_base.h"
#include "tools/exports/stored_values.h"

namespace exports {

using engine::Index;
using models::MlpForm;
using models::QkvForm;

/// The modules of a block in one generation of transformers' models.
struct BlockModules {
  const char *query, *key, *value, *proj, *fc1, *fc2;
};

/// Where transformers 5 has the blocks of a model type in memory; files may have other names.
struct ModuleNames::HuggingFace {
  const char* type;
  const char* blocks;  ///< stands before the number of a block
  const BlockModules* modules;
};

namespace {

constexpr const char* kWayOut = "; --format timm, hf or onnx, which hold adapters merged";

constexpr BlockModules kLikeVit{"attention.q_proj", "attention.k_proj", "attention.v_proj",
                                "attention.o_proj", "mlp.fc1",          "mlp.fc2"},
    kLikeClip{"self_attn.q_proj",   "self_attn.k_proj", "self_attn.v_proj",
              "self_attn.out_proj", "mlp.fc1",          "mlp.fc2"},
    kLikeVitOf4{"attention.attention.query", "attention.attention.key", "attention.attention.value",
                "attention.output.dense",    "intermediate.dense",      "output.dense"};

}  // namespace

ModuleNames::ModuleNames(const Exported& exported)
    : config_(exported.model.model.config()), library_("timm") {
  static constexpr HuggingFace kTypes[] = {
      {"vit", "vit.layers.", &kLikeVit},
      {"vit_mae", "vit.layers.", &kLikeVit},
      {"vit_msn", "vit.layers.", &kLikeVit},
      {"deit", "deit.layers.", &kLikeVit},
      {"ijepa", "ijepa.layers.", &kLikeVit},
      {"beit", "beit.layers.", &kLikeVit},
      {"data2vec-vision", "data2vec_vision.encoder.layer.", &kLikeVitOf4},
      {"dinov2", "dinov2.encoder.layer.", &kLikeVit},
      {"dinov2_with_registers", "dinov2_with_registers.encoder.layer.", &kLikeVit},
      {"clip", "vision_model.encoder.layers.", &kLikeClip},
      {"siglip", "vision_model.encoder.layers.", &kLikeClip}};
  const auto layout = layout_of(exported.model);
  engine::check(layout.has_value(), "--format peft: the base has the names of neither timm nor Hugging Face",
                "(random weights and .npz files have no library's model)" + std::string(kWayOut));
  if (layout->dialect == &models::kTimm) return;
  engine::check(
      is_hugging_face(*layout->dialect),
      "--format peft: the base has the names of neither timm nor Hugging Face, and peft cannot adapt",
      "the packed attention of torch's that its library has" + std::string(kWayOut));
  library_ = "transformers";
  const engine::Json config = hugging_face_config_of(exported.base);
  const std::string type = config.value("model_type", "");
  const Classifier* const classifier = find_classifier(type, config_.distillation_head);
  const auto* const found =
      std::ranges::find(kTypes, classifier ? std::string_view(classifier->written) : "", &HuggingFace::type);
  engine::check(found != std::end(kTypes),
                "--format peft: transformers has no classifier for the base, whose config.json names",
                (type.empty() ? "no model_type" : engine::in_quotes(type)) + std::string(kWayOut));
  hugging_face_ = found;
}

std::vector<ModuleRows> ModuleNames::of(const std::string& site) const {
  const engine::Role role = engine::role_of(site);
  const std::string& inside = role.inside;
  if (!hugging_face_) {
    engine::check(
        inside != "attn.qkv" || config_.qkv != QkvForm::joint_with_query_value_bias,
        "--format peft: timm's model reads the weight of", site, "without calling the layer (BEiT and",
        "EVA, whose keys have no bias), so that peft's adapter would do nothing" + std::string(kWayOut));
    return {{site}};
  }
  const BlockModules& m = *hugging_face_->modules;
  const std::string block = hugging_face_->blocks + std::to_string(role.block) + ".";
  if (role.kind == engine::Role::Kind::block) {
    if (inside == "attn.qkv")
      return {{block + m.query, 0, 3}, {block + m.key, 1, 3}, {block + m.value, 2, 3}};
    if (inside == "attn.proj") return {{block + m.proj}};
    const bool gated = config_.mlp != MlpForm::plain;
    if (inside == "mlp.fc1")
      return gated ? std::vector<ModuleRows>{{block + "mlp.gate_proj", 0, 2}, {block + "mlp.up_proj", 1, 2}}
                   : std::vector<ModuleRows>{{block + m.fc1}};
    if (inside == "mlp.fc2") return {{block + (gated ? "mlp.down_proj" : m.fc2)}};
  }
  throw engine::Error("--format peft: transformers' model has no linear layer of its own for " + site +
                      kWayOut);
}

bool ModuleNames::ends_are_of_blocks() const {
  return hugging_face_ ? hugging_face_->modules == &kLikeVit : config_.pooling != models::Pooling::attention;
}

std::string ModuleNames::of_head(const std::string& head) const {
  if (!hugging_face_) return head;
  if (!config_.distillation_head) return "classifier";
  return head == engine::kHeadName ? "cls_classifier" : "distillation_classifier";
}

}  // namespace exports
