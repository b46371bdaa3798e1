#include "tools/exports/hugging_face_base.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tools/training/pretrained/config_file.h"
#include "tools/training/pretrained/model_path.h"
#include "tools/training/pretrained/timm_config.h"

namespace exports {

using engine::Json;

namespace {

constexpr Classifier kClassifiers[] = {
    {"vit", "ViTForImageClassification", "vit"},
    {"vit_mae", "ViTForImageClassification", "vit"},
    {"vit_msn", "ViTMSNForImageClassification", "vit_msn"},
    {"deit", "DeiTForImageClassification", "deit"},
    {"ijepa", "IJepaForImageClassification", "ijepa"},
    {"beit", "BeitForImageClassification", "beit"},
    {"data2vec-vision", "Data2VecVisionForImageClassification", "data2vec-vision"},
    {"dinov2", "Dinov2ForImageClassification", "dinov2"},
    {"dinov2_with_registers", "Dinov2WithRegistersForImageClassification", "dinov2_with_registers"},
    {"clip", "CLIPForImageClassification", "clip", "clip"},
    {"clip_vision_model", "CLIPForImageClassification", "clip", "clip"},
    {"siglip", "SiglipForImageClassification", "siglip", "siglip"},
    {"siglip_vision_model", "SiglipForImageClassification", "siglip", "siglip"},
};
constexpr Classifier kTwoHeads = {"deit", "DeiTForImageClassificationWithTeacher", "deit"};

}  // namespace

bool is_hugging_face(const models::Dialect& dialect) {
  constexpr std::array kTheirs{&models::kHuggingFaceVit, &models::kHuggingFaceDinov3,
                               &models::kHuggingFaceClip, &models::kHuggingFaceSiglip};
  return std::ranges::find(kTheirs, &dialect) != kTheirs.end();
}

Json hugging_face_config_of(const std::string& base) {
  Json config = Json::object();
  if (base.empty()) return config;
  const std::filesystem::path folder = training::find_model(base).folder;
  if (folder.empty()) return config;
  training::in_config_file(folder / "config.json", [&](const Json& json) {
    if (!training::is_timm_config(json) && json.contains("model_type")) config = json;
  });
  return config;
}

const Classifier* find_classifier(std::string_view type, bool two_heads) {
  if (two_heads && type == kTwoHeads.type) return &kTwoHeads;
  const auto* const found = std::ranges::find(kClassifiers, type, &Classifier::type);
  return found == std::end(kClassifiers) ? nullptr : found;
}

}  // namespace exports
