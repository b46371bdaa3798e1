#include "models/families.h"

#include <algorithm>

#include "engine/base/text.h"

namespace models {

namespace {

constexpr Family kFamilies[] = {
    {"ViT",
     "vit_tiny_patch??_??? vit_small_patch??_??? vit_small_patch8_224 vit_base_patch??_??? vit_base_patch8_224 "
     "vit_base_patch16_224_miil vit_large_patch??_??? vit_huge_patch??_??? vit_demo_patch4_28 test_vit"},
    {"DeiT", "deit_*"},
    {"DeiT III", "deit3_*"},
    {"FlexiViT", "flexivit_*"},
    {"CLIP", "vit_*_clip_*"},
    {"SigLIP", "vit_*_siglip_*"},
    {"DINOv2", "vit_*_dinov2"},
    {"DINOv3", "vit_*_dinov3 vit_*_dinov3_qkvb"},
    {"AIMv2", "aimv2_*"},
    {"BEiT", "beit_* beitv2_*"},
    {"BEiT-3", "beit3_*"},
    {"EVA", "eva_*"},
    {"EVA-02", "eva02_*"},
    {"InternViT", "vit_intern*"},
    {"LingBot", "vit_*_lingbot"},
    {"Perception Encoder", "vit_pe_*"},
    {"RADIO", "vit_*_radio_*"},
    {"RoPE-ViT", "vit_*_rope_*"},
    {"Sapiens2", "vit_*_sapiens2"},
    {"TIPSv2", "vit_*_tipsv2"},
    {"ViT with other blocks", "vit_*_rpn_* vit_pwee_* vit_dwee_* vit_dlittle_* vit_dpwee_*"},
    {"ViT with average pooling", "vit_*_gap_* test_vit?"},
};

}  // namespace

std::span<const Family> families() {
  return kFamilies;
}

const Family* family_of(std::string_view architecture) {
  for (const Family& family : kFamilies)
    for (const std::string& pattern : engine::split(family.patterns, ' '))
      if (engine::glob_match(pattern, architecture)) return &family;
  return nullptr;
}

std::vector<const Architecture*> architectures_of(const Family& family) {
  std::vector<const Architecture*> found;
  for (const Architecture& a : known_architectures())
    if (family_of(a.name) == &family) found.push_back(&a);
  return found;
}

std::vector<std::string> implemented_families() {
  std::vector<std::string> names;
  for (const Family& family : kFamilies)
    if (std::ranges::any_of(architectures_of(family), [](const Architecture* a) { return !*a->beyond; }))
      names.emplace_back(family.name);
  return names;
}

}  // namespace models
