// Families of architectures, the words for what they have, and the list of published checkpoints.

#include "models/families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/base/text.h"
#include "models/checkpoints.h"
#include "models/parts.h"

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(family, of_every_architecture_is_one_and_none_is_empty) {
  std::set<std::string> seen;
  for (const models::Architecture& a : models::known_architectures()) {
    const models::Family* const family = models::family_of(a.name);
    ASSERT_NE(family, nullptr) << a.name;
    seen.insert(family->name);
  }
  EXPECT_EQ(seen.size(), models::families().size());
  EXPECT_EQ(models::family_of("resnet50"), nullptr);
}

TEST(family, is_found_by_the_part_of_a_name_that_says_most) {
  const auto name = [](const char* architecture) {
    return std::string(models::family_of(architecture)->name);
  };
  EXPECT_EQ(name("vit_base_patch16_224"), "ViT");
  EXPECT_EQ(name("vit_pe_core_base_patch16_224"), "Perception Encoder");
  EXPECT_EQ(name("vit_base_patch16_clip_224"), "CLIP");
  EXPECT_EQ(name("eva02_base_patch16_clip_224"), "EVA-02");
  EXPECT_EQ(name("vit_base_patch16_siglip_gap_224"), "SigLIP");
  EXPECT_EQ(name("vit_small_patch14_reg4_dinov2"), "DINOv2");
  EXPECT_EQ(name("vit_base_patch16_rope_reg1_gap_256"), "RoPE-ViT");
  EXPECT_EQ(name("vit_pwee_patch16_reg1_gap_256"), "ViT with other blocks");
}

TEST(family, that_can_be_made_is_called_implemented) {
  const std::vector<std::string> names = models::implemented_families();
  EXPECT_THAT(names, Contains("EVA-02")) << "all but one";
  EXPECT_THAT(names, Not(Contains("Sapiens2")));
  EXPECT_THAT(names, Not(Contains("ViT with other blocks")));
}

TEST(features, are_what_differs_from_the_plain_vit_whatever_its_sizes) {
  EXPECT_THAT(models::features({}), IsEmpty());
  for (const char* plain : {"vit_tiny_patch16_224", "vit_large_patch32_384", "deit_small_patch16_224"})
    EXPECT_THAT(models::features(models::architecture(plain)), IsEmpty()) << plain;
  EXPECT_THAT(models::features(models::architecture("vit_small_patch14_dinov2")), ElementsAre("LayerScale"));
  EXPECT_THAT(models::features(models::architecture("vit_small_patch14_reg4_dinov2")),
              ElementsAre("registers: 4", "LayerScale", "tokens with a position: patches"));
  EXPECT_THAT(models::features(models::architecture("vit_base_patch16_siglip_224")),
              ElementsAre("no class token", "attention pool"));
  const models::VitConfig clip = models::architecture("vit_base_patch16_clip_quickgelu_224");
  EXPECT_THAT(models::features(clip), ElementsAre("no bias of the patch embedding", "norm before the blocks",
                                                  "activation: quick_gelu", "eps: 1e-05"));
  EXPECT_THAT(models::features_in_tensors(clip),
              ElementsAre("no bias of the patch embedding", "norm before the blocks"));
}

TEST(features, tell_apart_all_that_computes_otherwise) {
  for (const models::Architecture& a : models::known_architectures()) {
    for (const models::Architecture& b : models::known_architectures()) {
      if (*a.beyond || *b.beyond || models::features(a.config) != models::features(b.config)) continue;
      EXPECT_TRUE(models::same_parts(a.config, b.config)) << a.name << ' ' << b.name;
      EXPECT_EQ(a.config.activation, b.config.activation) << a.name << ' ' << b.name;
      EXPECT_EQ(a.config.norm_eps, b.config.norm_eps) << a.name << ' ' << b.name;
      EXPECT_EQ(a.config.rope.kind, b.config.rope.kind) << a.name << ' ' << b.name;
    }
  }
}

TEST(published_checkpoint, is_of_an_architecture_that_is_known) {
  std::set<std::string> tags, without_license;
  for (const models::PublishedCheckpoint& c : models::published_checkpoints()) {
    EXPECT_NE(models::find_architecture(models::architecture_of(c.tag)), nullptr) << c.tag;
    EXPECT_TRUE(tags.insert(c.tag).second) << c.tag << " stands twice";
    EXPECT_EQ(models::find_checkpoint(c.tag), &c);
    if (!*c.license) without_license.insert(c.tag);
    for (const double s : c.std) EXPECT_GT(s, 0) << c.tag;
  }
  EXPECT_THAT(without_license, ElementsAre("vit_base_patch16_224.bamboo")) << "timm has none for it";
  EXPECT_EQ(models::find_checkpoint("vit_small_patch14_dinov2"), nullptr) << "a tag is needed";
  EXPECT_EQ(models::checkpoints_of("vit_small_patch14_dinov2").size(), 1u);
}

}  // namespace
