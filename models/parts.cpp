#include "models/parts.h"

#include <algorithm>

#include "engine/base/text.h"
#include "models/words.h"

namespace models {

namespace {

std::string yes_or_no(bool there) {
  return there ? "yes" : "no";
}

std::string qkv_word(QkvForm form) {
  using enum QkvForm;
  switch (form) {
    case joint:
      return "one matrix with a bias";
    case joint_without_bias:
      return "one matrix without a bias";
    case joint_with_query_value_bias:
      return "one matrix, with biases of queries and values";
    case split:
      return "three matrices";
  }
  return "";
}

std::string mlp_word(MlpForm form) {
  return form == MlpForm::plain ? "plain" : form == MlpForm::swiglu ? "SwiGLU" : "SwiGLU, split";
}

std::string positions_word(Positions positions) {
  std::string word(word_of(positions));
  std::ranges::replace(word, '_', ' ');
  return word;
}

constexpr Part kInTensors[] = {
    {"class token", [](const VitConfig& c) { return yes_or_no(c.class_token); }},
    {"distillation token", [](const VitConfig& c) { return yes_or_no(c.distillation_token); }},
    {"registers", [](const VitConfig& c) { return std::to_string(c.registers); }},
    {"position embedding", [](const VitConfig& c) { return yes_or_no(c.positions != Positions::none); }},
    {"bias of the patch embedding", [](const VitConfig& c) { return yes_or_no(c.patch_bias); }},
    {"norm of the patches", [](const VitConfig& c) { return yes_or_no(c.patch_norm); }},
    {"norm before the blocks", [](const VitConfig& c) { return yes_or_no(c.norm_pre); }},
    {"biases of the norms",
     [](const VitConfig& c) { return yes_or_no(c.norm == engine::Norm::Kind::layer); }},
    {"queries, keys and values", [](const VitConfig& c) { return qkv_word(c.qkv); }},
    {"table of relative positions", [](const VitConfig& c) { return yes_or_no(c.relative_bias); }},
    {"norm inside attention", [](const VitConfig& c) { return yes_or_no(c.attention_norm); }},
    {"bias of attn.proj", [](const VitConfig& c) { return yes_or_no(c.proj_bias); }},
    {"MLP", [](const VitConfig& c) { return mlp_word(c.mlp); }},
    {"norm inside the MLP", [](const VitConfig& c) { return yes_or_no(c.mlp_norm); }},
    {"biases of the MLP", [](const VitConfig& c) { return yes_or_no(c.mlp_bias); }},
    {"LayerScale", [](const VitConfig& c) { return yes_or_no(c.layer_scale); }},
    {"norm before the pooling", [](const VitConfig& c) { return yes_or_no(c.final_norm); }},
    {"attention pool", [](const VitConfig& c) { return yes_or_no(c.pooling == Pooling::attention); }},
    {"norm behind the pooling", [](const VitConfig& c) { return yes_or_no(c.fc_norm); }},
};

/// What no tensor shows, or only by its length.
constexpr Part kOthers[] = {
    {"tokens with a position",
     [](const VitConfig& c) {
       return positions_word(c.positions == Positions::none ? Positions::all : c.positions);
     }},
    {"positions resized by", [](const VitConfig& c) { return std::string(word_of(c.resampling)); }},
    {"rotary position embedding",
     [](const VitConfig& c) { return c.rope == RopeConfig{} ? "no" : std::string(word_of(c.rope.kind)); }},
    {"activation", [](const VitConfig& c) { return std::string(word_of(c.activation)); }},
    {"eps", [](const VitConfig& c) { return engine::shortest(c.norm_eps); }},
    {"average pooling", [](const VitConfig& c) { return yes_or_no(c.pooling == Pooling::average); }},
    {"average beside the class token",
     [](const VitConfig& c) { return yes_or_no(c.pooling == Pooling::token_and_average); }},
    {"heads in the pool", [](const VitConfig& c) { return std::to_string(c.pool_heads); }},
};

std::string phrase(const std::string& name, const std::string& word) {
  if (word == "yes") return name;
  return word == "no" ? "no " + name : name + ": " + word;
}

void add_features(std::span<const Part> parts, const VitConfig& config, std::vector<std::string>& to) {
  const VitConfig plain;
  for (const auto& [name, word] : parts)
    if (const std::string there = word(config); there != word(plain)) to.push_back(phrase(name, there));
}

}  // namespace

std::span<const Part> parts_in_tensors() {
  return kInTensors;
}

std::vector<std::string> features_in_tensors(const VitConfig& config) {
  std::vector<std::string> found;
  add_features(kInTensors, config, found);
  return found;
}

std::vector<std::string> features(const VitConfig& config) {
  std::vector<std::string> found = features_in_tensors(config);
  add_features(kOthers, config, found);
  return found;
}

}  // namespace models
