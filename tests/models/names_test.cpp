#include "models/names.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <map>

#include "models/vit.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"

namespace {

using engine::Index;
using engine::NamedTensors;
using engine::Tensor;

constexpr Index kDepth = 11;  // two digits: block 10 must not be taken for block 1

models::VitConfig small() {
  models::VitConfig config;
  config.image_height = config.image_width = 8, config.patch = 4, config.width = 6, config.depth = kDepth,
  config.heads = 2, config.hidden = 10, config.classes = 3;
  return config;
}

/// Different values in every tensor of a small model, under timm's names.
NamedTensors timm_state() {
  models::Vit model(small());
  std::uint64_t stream = 0;
  NamedTensors state;
  for (const auto& [name, parameter] : engine::parameters(model))
    state.emplace_back(name, support::random_tensor(parameter.value().shape(), ++stream));
  return state;
}

/// timm's name, its other name with N for the block's number; a query|key|value name is three tensors.
using Table = std::vector<std::pair<std::string, std::vector<std::string>>>;

// Written from the list of names in transformers 4: ViTForImageClassification.
const Table kHuggingFace{
    {"cls_token", {"vit.embeddings.cls_token"}},
    {"pos_embed", {"vit.embeddings.position_embeddings"}},
    {"patch_embed.proj.weight", {"vit.embeddings.patch_embeddings.projection.weight"}},
    {"patch_embed.proj.bias", {"vit.embeddings.patch_embeddings.projection.bias"}},
    {"blocks.N.norm1.weight", {"vit.encoder.layer.N.layernorm_before.weight"}},
    {"blocks.N.norm1.bias", {"vit.encoder.layer.N.layernorm_before.bias"}},
    {"blocks.N.attn.qkv.weight",
     {"vit.encoder.layer.N.attention.attention.query.weight",
      "vit.encoder.layer.N.attention.attention.key.weight",
      "vit.encoder.layer.N.attention.attention.value.weight"}},
    {"blocks.N.attn.qkv.bias",
     {"vit.encoder.layer.N.attention.attention.query.bias",
      "vit.encoder.layer.N.attention.attention.key.bias",
      "vit.encoder.layer.N.attention.attention.value.bias"}},
    {"blocks.N.attn.proj.weight", {"vit.encoder.layer.N.attention.output.dense.weight"}},
    {"blocks.N.attn.proj.bias", {"vit.encoder.layer.N.attention.output.dense.bias"}},
    {"blocks.N.norm2.weight", {"vit.encoder.layer.N.layernorm_after.weight"}},
    {"blocks.N.norm2.bias", {"vit.encoder.layer.N.layernorm_after.bias"}},
    {"blocks.N.mlp.fc1.weight", {"vit.encoder.layer.N.intermediate.dense.weight"}},
    {"blocks.N.mlp.fc1.bias", {"vit.encoder.layer.N.intermediate.dense.bias"}},
    {"blocks.N.mlp.fc2.weight", {"vit.encoder.layer.N.output.dense.weight"}},
    {"blocks.N.mlp.fc2.bias", {"vit.encoder.layer.N.output.dense.bias"}},
    {"norm.weight", {"vit.layernorm.weight"}},
    {"norm.bias", {"vit.layernorm.bias"}},
    {"head.weight", {"classifier.weight"}},
    {"head.bias", {"classifier.bias"}},
};

// transformers 5: other module names inside the layers.
const Table kHuggingFaceNew{
    {"cls_token", {"vit.embeddings.cls_token"}},
    {"pos_embed", {"vit.embeddings.position_embeddings"}},
    {"patch_embed.proj.weight", {"vit.embeddings.patch_embeddings.projection.weight"}},
    {"patch_embed.proj.bias", {"vit.embeddings.patch_embeddings.projection.bias"}},
    {"blocks.N.norm1.weight", {"vit.layers.N.layernorm_before.weight"}},
    {"blocks.N.norm1.bias", {"vit.layers.N.layernorm_before.bias"}},
    {"blocks.N.attn.qkv.weight",
     {"vit.layers.N.attention.q_proj.weight", "vit.layers.N.attention.k_proj.weight",
      "vit.layers.N.attention.v_proj.weight"}},
    {"blocks.N.attn.qkv.bias",
     {"vit.layers.N.attention.q_proj.bias", "vit.layers.N.attention.k_proj.bias",
      "vit.layers.N.attention.v_proj.bias"}},
    {"blocks.N.attn.proj.weight", {"vit.layers.N.attention.o_proj.weight"}},
    {"blocks.N.attn.proj.bias", {"vit.layers.N.attention.o_proj.bias"}},
    {"blocks.N.norm2.weight", {"vit.layers.N.layernorm_after.weight"}},
    {"blocks.N.norm2.bias", {"vit.layers.N.layernorm_after.bias"}},
    {"blocks.N.mlp.fc1.weight", {"vit.layers.N.mlp.fc1.weight"}},
    {"blocks.N.mlp.fc1.bias", {"vit.layers.N.mlp.fc1.bias"}},
    {"blocks.N.mlp.fc2.weight", {"vit.layers.N.mlp.fc2.weight"}},
    {"blocks.N.mlp.fc2.bias", {"vit.layers.N.mlp.fc2.bias"}},
    {"norm.weight", {"vit.layernorm.weight"}},
    {"norm.bias", {"vit.layernorm.bias"}},
    {"head.weight", {"classifier.weight"}},
    {"head.bias", {"classifier.bias"}},
};

Table torchvision(const std::string& first, const std::string& second) {
  const std::string layer = "encoder.layers.encoder_layer_N.";
  return {
      {"cls_token", {"class_token"}},
      {"pos_embed", {"encoder.pos_embedding"}},
      {"patch_embed.proj.weight", {"conv_proj.weight"}},
      {"patch_embed.proj.bias", {"conv_proj.bias"}},
      {"blocks.N.norm1.weight", {layer + "ln_1.weight"}},
      {"blocks.N.norm1.bias", {layer + "ln_1.bias"}},
      {"blocks.N.attn.qkv.weight", {layer + "self_attention.in_proj_weight"}},
      {"blocks.N.attn.qkv.bias", {layer + "self_attention.in_proj_bias"}},
      {"blocks.N.attn.proj.weight", {layer + "self_attention.out_proj.weight"}},
      {"blocks.N.attn.proj.bias", {layer + "self_attention.out_proj.bias"}},
      {"blocks.N.norm2.weight", {layer + "ln_2.weight"}},
      {"blocks.N.norm2.bias", {layer + "ln_2.bias"}},
      {"blocks.N.mlp.fc1.weight", {layer + first + ".weight"}},
      {"blocks.N.mlp.fc1.bias", {layer + first + ".bias"}},
      {"blocks.N.mlp.fc2.weight", {layer + second + ".weight"}},
      {"blocks.N.mlp.fc2.bias", {layer + second + ".bias"}},
      {"norm.weight", {"encoder.ln.weight"}},
      {"norm.bias", {"encoder.ln.bias"}},
      {"head.weight", {"heads.head.weight"}},
      {"head.bias", {"heads.head.bias"}},
  };
}

std::string with_number(std::string name, Index block) {
  const std::size_t at = name.find('N');
  return at == std::string::npos ? name : name.replace(at, 1, std::to_string(block));
}

/// A timm state under the names of `table`.
NamedTensors renamed(const NamedTensors& timm, const Table& table) {
  const std::map<std::string, Tensor> by_name(timm.begin(), timm.end());
  NamedTensors state;
  for (Index block = 0; block < kDepth; ++block) {
    for (const auto& [from, to] : table) {
      if (block > 0 && from.find('N') == std::string::npos) continue;
      const Tensor tensor = by_name.at(with_number(from, block));
      const Index part = tensor.shape()[0] / static_cast<Index>(to.size());
      for (std::size_t i = 0; i < to.size(); ++i) {
        const Index begin = part * static_cast<Index>(i);
        state.emplace_back(with_number(to[i], block), tensor.slice(begin, begin + part).clone());
      }
    }
  }
  return state;
}

/// The same names with the same bits, in any order.
void expect_same(const NamedTensors& actual, const NamedTensors& expected) {
  const std::map<std::string, Tensor> by_name(actual.begin(), actual.end());
  EXPECT_EQ(actual.size(), expected.size());
  EXPECT_EQ(by_name.size(), actual.size()) << "a name comes twice";
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(by_name.contains(name)) << name;
    EXPECT_TRUE(support::same_bits(by_name.at(name), tensor)) << name;
  }
}

/// Names without "vit.".
NamedTensors without_prefix(NamedTensors state) {
  for (auto& [name, tensor] : state) {
    if (name.starts_with("vit.")) name = name.substr(4);
  }
  return state;
}

TEST(to_timm_names, brings_back_classic_hugging_face_names) {
  const NamedTensors timm = timm_state(), other = renamed(timm, kHuggingFace);
  expect_same(models::to_timm_names(other), timm);
}

TEST(to_timm_names, brings_back_new_hugging_face_names) {
  const NamedTensors timm = timm_state(), other = renamed(timm, kHuggingFaceNew);
  expect_same(models::to_timm_names(other), timm);
}

TEST(to_timm_names, takes_a_base_model_without_prefix_and_drops_its_pooler_and_mask_token) {
  for (const Table* table : {&kHuggingFace, &kHuggingFaceNew}) {
    NamedTensors timm = timm_state();
    std::erase_if(timm, [](const auto& entry) { return entry.first.starts_with("head."); });
    NamedTensors all = timm_state();
    NamedTensors other = without_prefix(renamed(all, *table));
    std::erase_if(other, [](const auto& entry) { return entry.first.starts_with("classifier."); });
    other.emplace_back("pooler.dense.weight", Tensor::zeros({6, 6}));
    other.emplace_back("pooler.dense.bias", Tensor::zeros({6}));
    other.emplace_back("embeddings.mask_token", Tensor::zeros({1, 1, 6}));
    expect_same(models::to_timm_names(other), timm);
  }
}

TEST(to_timm_names, brings_back_torchvisions_names_of_both_ages) {
  const NamedTensors timm = timm_state();
  for (const Table& table : {torchvision("mlp.0", "mlp.3"), torchvision("mlp.linear_1", "mlp.linear_2")}) {
    const NamedTensors other = renamed(timm, table);
    expect_same(models::to_timm_names(other), timm);
  }
}

TEST(to_timm_names, leaves_timms_own_names_and_their_order_alone) {
  const NamedTensors timm = timm_state(), same = models::to_timm_names(timm);
  ASSERT_EQ(same.size(), timm.size());
  for (std::size_t i = 0; i < timm.size(); ++i) {
    EXPECT_EQ(same[i].first, timm[i].first);
    EXPECT_TRUE(support::same_bits(same[i].second, timm[i].second));
  }
}

TEST(to_timm_names, keeps_names_it_does_not_know_so_that_loading_reports_them) {
  NamedTensors other = renamed(timm_state(), kHuggingFace);
  other.emplace_back("vit.something.else", Tensor::zeros({2}));
  models::Vit model(small());
  EXPECT_EQ(support::error_of(
                [&] { engine::load_state(model, models::to_timm_names(other), "model.safetensors"); }),
            "model.safetensors: 1 name unexpected (vit.something.else)");
}

TEST(to_timm_names, leaves_names_of_any_length_alone) {
  for (const std::size_t length : {257u, 300000u}) {
    std::string name = "vit.encoder.layer.0.other.dense.";
    name.resize(length, 'a');
    NamedTensors other = renamed(timm_state(), kHuggingFace);
    other.emplace_back(name, Tensor::zeros({2}));
    const NamedTensors timm = models::to_timm_names(other), back = models::to_names_of(timm_state(), other);
    const auto is_it = [&](const auto& entry) { return entry.first == name; };
    EXPECT_TRUE(std::any_of(timm.begin(), timm.end(), is_it));
    EXPECT_TRUE(std::any_of(back.begin(), back.end(), is_it));
  }
}

NamedTensors with_prefix(NamedTensors state, const std::string& prefix) {
  for (auto& [name, tensor] : state) name = prefix + name;
  return state;
}

TEST(read_names, takes_off_what_stands_before_all_names_and_puts_it_back) {
  const NamedTensors timm = timm_state();
  const Table torch = torchvision("mlp.0", "mlp.3");
  for (const char* prefix : {"module.", "_orig_mod.", "model.", "backbone.", "base_model.model.",
                             "visual.trunk.", "module._orig_mod.encoder.", "student."}) {
    for (const NamedTensors& names : {timm, renamed(timm, kHuggingFace), renamed(timm, torch)}) {
      const NamedTensors wrapped = with_prefix(names, prefix);
      expect_same(models::to_timm_names(wrapped), timm);
      const NamedTensors back = models::to_names_of(timm, wrapped);
      ASSERT_EQ(back.size(), wrapped.size());
      for (std::size_t i = 0; i < back.size(); ++i) EXPECT_EQ(back[i].first, wrapped[i].first);
    }
  }
}

TEST(read_names, lets_the_head_stand_outside_of_what_wraps_the_rest) {
  const NamedTensors timm = timm_state();
  NamedTensors wrapped = timm;
  for (auto& [name, tensor] : wrapped)
    if (!name.starts_with("head.")) name = "backbone." + name;
  expect_same(models::to_timm_names(wrapped), timm);
}

TEST(read_names, names_the_prefix_that_not_every_name_has) {
  NamedTensors wrapped = with_prefix(timm_state(), "encoder.");
  wrapped.emplace_back("neck.weight", Tensor::zeros({2}));
  EXPECT_EQ(support::error_of([&] { models::to_timm_names(wrapped); }),
            "the names of the model's tensors begin with 'encoder.', but not that of 'neck.weight'");
}

TEST(read_names, leaves_out_towers_and_copies_and_says_which) {
  NamedTensors all = timm_state();
  all.emplace_back("mask_token", Tensor::zeros({1, 1, 6}));
  all.emplace_back("decoder_embed.weight", Tensor::zeros({6, 6}));
  all.emplace_back("decoder_blocks.0.attn.qkv.weight", Tensor::zeros({18, 6}));
  for (const auto& [name, tensor] : with_prefix(timm_state(), "model_ema.")) all.emplace_back(name, tensor);
  for (const auto& [name, tensor] : with_prefix(timm_state(), "teacher.backbone."))
    all.emplace_back(name, tensor);
  const models::TimmNames names = models::read_names(all);
  expect_same(names.tensors, timm_state());
  EXPECT_EQ(names.left_out, (std::vector<std::string>{"decoder_blocks", "decoder_embed", "mask_token",
                                                      "model_ema", "teacher"}));
}

TEST(read_names, takes_a_copy_where_it_is_all_there_is) {
  for (const char* prefix : {"teacher.backbone.", "model_ema.module.", "ema."})
    expect_same(models::to_timm_names(with_prefix(timm_state(), prefix)), timm_state());
}

TEST(read_names, refuses_two_models_and_two_tensors_for_one_place_with_both_names) {
  NamedTensors two = with_prefix(timm_state(), "a.");
  for (const auto& [name, tensor] : with_prefix(timm_state(), "b.")) two.emplace_back(name, tensor);
  EXPECT_EQ(
      support::error_of([&] { models::to_timm_names(two); }),
      "two models are in the file: 'a.patch_embed.proj.weight' and 'b.patch_embed.proj.weight' are both the "
      "patch embedding");
  for (const char* name : {"layernorm.weight", "encoder.layer.3.attention.attention.key.weight"}) {
    NamedTensors twice = renamed(timm_state(), kHuggingFace);
    twice.emplace_back(name, Tensor::zeros({6}));
    const std::string error = support::error_of([&] { models::to_timm_names(twice); });
    EXPECT_NE(error.find("'vit." + std::string(name) + "' and '" + name + "'"), std::string::npos) << error;
  }
}

TEST(read_names, takes_torchvisions_replaced_head) {
  const NamedTensors timm = timm_state();
  NamedTensors other = renamed(timm, torchvision("mlp.0", "mlp.3"));
  for (auto& [name, tensor] : other)
    if (name.starts_with("heads.head.")) name = "heads." + name.substr(11);
  expect_same(models::to_timm_names(other), timm);
}

TEST(read_names, reads_no_head_where_none_is_needed) {
  NamedTensors timm = timm_state();
  std::erase_if(timm, [](const auto& entry) { return entry.first.starts_with("head."); });
  for (const char* head : {"heads.0.weight", "head.fc.weight", "classifier.1.weight", "fc.weight"}) {
    NamedTensors all = timm;
    all.emplace_back(head, Tensor::zeros({9, 9}));
    expect_same(models::read_names(all, false).tensors, timm);
    EXPECT_EQ(models::to_names_of(timm_state(), all).size(), timm_state().size())
        << "a head that is not known goes";
  }
}

Tensor half_ones(const engine::Shape& shape) {
  Tensor ones = Tensor::uninitialized(shape, engine::Dtype::f16);
  for (std::size_t i = 0; i < ones.bytes(); i += 2)
    ones.raw()[i] = std::byte{0x00}, ones.raw()[i + 1] = std::byte{0x3c};
  return ones;
}

TEST(read_names, joins_queries_and_keys_of_different_types_in_f32) {
  NamedTensors other = renamed(timm_state(), kHuggingFace);
  for (auto& [name, tensor] : other)
    if (name.ends_with("query.weight")) tensor = half_ones(tensor.shape());
  for (const auto& [name, tensor] : models::to_timm_names(other)) {
    if (!name.ends_with("qkv.weight")) continue;
    EXPECT_EQ(tensor.dtype(), engine::Dtype::f32);
    EXPECT_EQ(tensor.shape(), engine::Shape({18, 6}));
    EXPECT_EQ(tensor.data<float>()[0], 1.0f);
  }
}

TEST(to_timm_names, names_the_matrix_when_a_key_is_missing_or_misshapen) {
  NamedTensors other = renamed(timm_state(), kHuggingFace);
  const std::string key = "vit.encoder.layer.3.attention.attention.key.weight";
  NamedTensors missing = other;
  std::erase_if(missing, [&](const auto& entry) { return entry.first == key; });
  for (auto& [name, tensor] : other) {
    if (name == key) tensor = Tensor::zeros({5, 6});
  }
  for (const NamedTensors& wrong : {missing, other}) {
    const std::string error = support::error_of([&] { models::to_timm_names(wrong); });
    EXPECT_TRUE(error.starts_with("blocks.3.attn.qkv.weight: ")) << error;
  }
}

TEST(to_timm_names, names_the_matrix_when_three_times_its_rows_are_too_many_to_count) {
  NamedTensors wrong = renamed(timm_state(), kHuggingFace);
  for (auto& [name, tensor] : wrong) {
    if (name.find("encoder.layer.3.attention.attention.") != std::string::npos && name.ends_with(".weight"))
      tensor = Tensor::zeros({Index{1} << 62, 0});
  }
  EXPECT_EQ(support::error_of([&] { models::to_timm_names(wrong); }),
            "blocks.3.attn.qkv.weight: three times [4611686018427387904, 0] is too large to count");
}

}  // namespace
