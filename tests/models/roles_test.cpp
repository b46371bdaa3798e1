#include "engine/nn/roles.h"

#include <gtest/gtest.h>

#include "models/vit.h"

namespace {

using engine::Index;
using engine::Role;

models::Vit three_blocks() {
  return models::Vit({.image_height = 8,
                      .image_width = 8,
                      .patch = 4,
                      .width = 4,
                      .depth = 3,
                      .heads = 2,
                      .hidden = 8,
                      .classes = 2});
}

TEST(Roles, of_a_vit_are_its_embeddings_blocks_final_norm_and_head) {
  models::Vit model = three_blocks();
  std::map<Role::Kind, std::set<std::string>> parts;
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const Role role = engine::role_of(name);
    parts[role.kind].insert(role.kind == Role::Kind::block ? role.part + "." + std::to_string(role.block)
                                                           : role.part);
  }
  const std::map<Role::Kind, std::set<std::string>> expected{
      {Role::Kind::embedding, {"cls_token", "pos_embed", "patch_embed"}},
      {Role::Kind::block, {"blocks.0", "blocks.1", "blocks.2"}},
      {Role::Kind::final_norm, {"norm"}},
      {Role::Kind::head, {"head"}}};
  EXPECT_EQ(parts, expected);
  EXPECT_EQ(engine::count_blocks(engine::parameters(model)), 3);
}

TEST(Roles, of_modules_are_those_of_what_is_in_them) {
  models::Vit model = three_blocks();
  std::set<std::string> whole;
  engine::walk(
      model, [](const std::string&, engine::Parameter&) {},
      [&](const std::string& name, engine::Module&) {
        if (engine::role_of(name).inside.empty()) whole.insert(name);
      });
  EXPECT_EQ(whole, (std::set<std::string>{"patch_embed", "blocks", "blocks.0", "blocks.1", "blocks.2", "norm",
                                          "head"}));
  EXPECT_EQ(engine::role_of("blocks").kind, Role::Kind::blocks);
  EXPECT_EQ(engine::role_of("blocks.1").kind, Role::Kind::block);
  EXPECT_EQ(engine::role_of("blocks.1.attn").inside, engine::kAttentionName);
}

TEST(Roles, say_what_is_inside_a_block) {
  const Role role = engine::role_of("blocks.10.attn.qkv.weight");
  EXPECT_EQ(role.block, 10);
  EXPECT_EQ(role.inside, "attn.qkv.weight");
  EXPECT_EQ(engine::role_of("blocks.3.ls1.gamma").block, 3);
}

TEST(Roles, of_what_is_attached_around_all_blocks_or_unknown_are_no_blocks) {
  EXPECT_EQ(engine::role_of("blocks.vpt.prompts").kind, Role::Kind::blocks);
  EXPECT_EQ(engine::role_of("blocks.vpt.prompts").inside, "vpt.prompts");
  for (const char* name : {"norm1.weight", "a.2.b.7", "header.weight", "", "blocks", "blocks..7",
                           "blocks.1x.weight", "blocks.99999999999999999999.weight", "blocks.-1.weight"})
    EXPECT_EQ(engine::block_of(name), std::nullopt) << name;
  EXPECT_EQ(engine::role_of("header.weight").kind, Role::Kind::other);
}

TEST(Roles, number_the_layers_as_timm_does) {
  const auto layer = [](std::string_view name) { return engine::role_of(name).layer(12); };
  EXPECT_EQ(layer("cls_token"), 0);
  EXPECT_EQ(layer("patch_embed.proj.bias"), 0);
  EXPECT_EQ(layer("blocks.0.norm1.weight"), 1);
  EXPECT_EQ(layer("blocks.11.mlp.fc2.bias"), 12);
  for (const char* name : {"norm.bias", "head.weight", "blocks.vpt.prompts"})
    EXPECT_EQ(layer(name), 13) << name;
}

TEST(in_head, is_true_for_the_classifier_alone) {
  for (const char* name : {"head", "head.weight", "head.bias"}) EXPECT_TRUE(engine::in_head(name)) << name;
  for (const char* name : {"blocks.0.head.weight", "header.weight"})
    EXPECT_FALSE(engine::in_head(name)) << name;
}

TEST(in_norm, is_true_for_every_norm) {
  for (const char* name : {"norm.weight", "blocks.0.norm2.bias"}) EXPECT_TRUE(engine::in_norm(name)) << name;
  for (const char* name : {"blocks.0.attn.proj.bias", "head.weight", "enorm.weight"})
    EXPECT_FALSE(engine::in_norm(name)) << name;
}

}  // namespace
