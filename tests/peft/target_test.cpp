#include "peft/target.h"

#include <gtest/gtest.h>

#include "tests/peft/small.h"

namespace {

using engine::NamedParameter;
using models::Vit;

std::vector<std::string> names_of(const std::vector<NamedParameter>& all) {
  std::vector<std::string> names;
  for (const NamedParameter& p : all) names.push_back(p.name);
  return names;
}

class Targets : public ::testing::Test {
 protected:
  std::vector<std::string> found(const std::vector<std::string>& patterns) {
    return names_of(peft::find_targets(model, patterns));
  }
  std::string error(const std::string& pattern) {
    return support::error_of([&] { peft::find_targets(model, {pattern}); });
  }
  Vit model = small::model(small::deep());
};

TEST_F(Targets, are_every_weight_matrix_but_the_heads_by_default) {
  std::vector<std::string> expected{"patch_embed.proj.weight"};
  for (const char* block : {"blocks.0.", "blocks.1.", "blocks.2."}) {
    for (const char* matrix : {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"})
      expected.push_back(std::string(block) + matrix + ".weight");
  }
  EXPECT_EQ(found({}), expected);
}

TEST_F(Targets, are_what_a_pattern_matches_in_the_models_order_once) {
  EXPECT_EQ(found({"blocks.1.mlp.fc1.weight"}), std::vector<std::string>{"blocks.1.mlp.fc1.weight"});
  EXPECT_EQ(found({"blocks.*.attn.qkv.weight", "blocks.0.attn.*", "patch_embed.*.weight"}),
            (std::vector<std::string>{"patch_embed.proj.weight", "blocks.0.attn.qkv.weight",
                                      "blocks.0.attn.qkv.bias", "blocks.0.attn.proj.weight",
                                      "blocks.0.attn.proj.bias", "blocks.1.attn.qkv.weight",
                                      "blocks.2.attn.qkv.weight"}));
}

TEST_F(Targets, can_be_vectors_and_tokens_when_a_pattern_names_them) {
  EXPECT_EQ(found({"cls_token", "norm.*"}),
            (std::vector<std::string>{"cls_token", "norm.weight", "norm.bias"}));
}

TEST_F(Targets, are_never_in_the_head) {
  for (const std::string& name : found({"*"})) EXPECT_FALSE(name.starts_with("head.")) << name;
  EXPECT_EQ(found({"*"}).size(), engine::parameters(model).size() - 2);
  EXPECT_TRUE(error("head.weight").starts_with("target 'head.weight' matches no parameter that a method can"))
      << error("head.weight");
}

TEST_F(Targets, that_are_misspelt_are_refused_with_the_nearest_names) {
  const std::string message = error("blocks.0.atn.qkv.weight");
  EXPECT_TRUE(message.starts_with("target 'blocks.0.atn.qkv.weight' matches no parameter")) << message;
  EXPECT_NE(message.find("did you mean blocks.0.attn.qkv.weight"), std::string::npos) << message;
  // One pattern that hits does not excuse another.
  EXPECT_THROW(peft::find_targets(model, {"blocks.0.*", "blocks.7.*"}), engine::Error);
  EXPECT_THROW(peft::find_targets(model, {""}), engine::Error);
}

TEST_F(Targets, train_only_where_the_pattern_matches) {
  const auto method =
      small::method("grft", {{"targets", "blocks.1.mlp.fc?.weight,blocks.2.attn.qkv.weight"}});
  method->prepare(model, small::losses(model, *method));
  std::vector<std::string> trained;
  for (const auto& [name, parameter] : engine::parameters(model))
    if (parameter.trains().any()) trained.push_back(name);
  EXPECT_EQ(trained, (std::vector<std::string>{"blocks.1.mlp.fc1.weight", "blocks.1.mlp.fc2.weight",
                                               "blocks.2.attn.qkv.weight", "head.weight", "head.bias"}));
}

TEST(is_linear_bias, is_true_for_layers_with_a_matrix_and_false_for_norms) {
  Vit model = small::model(small::deep());
  const auto all = engine::parameters(model);
  for (const NamedParameter& p : all) {
    const bool bias = p.name.ends_with(".bias"), norm = p.name.find("norm") != std::string::npos;
    EXPECT_EQ(peft::is_linear_bias(p.name, all), bias && !norm) << p.name;
  }
  EXPECT_FALSE(peft::is_linear_bias("unknown.bias", all));
}

}  // namespace
