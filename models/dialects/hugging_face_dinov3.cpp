#include "models/dialects/dialect.h"

namespace models {

namespace {

// As files have it, and transformers 5 in memory.
constexpr const char* kBlocks[] = {"layer.", "model.layer."};

constexpr const char* kKeyHasBias = "layer.0.attention.k_proj.bias model.layer.0.attention.k_proj.bias";
constexpr const char* kGated = "layer.0.mlp.gate_proj.weight model.layer.0.mlp.gate_proj.weight";

constexpr Rule kRules[] = {
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.register_tokens", "reg_token"},
    {"embeddings.patch_embeddings.*", "patch_embed.proj.*"},
    {"#.norm1.*", "#.norm1.*"},
    {"#.norm2.*", "#.norm2.*"},
    {"#.attention.q_proj.weight", "#.attn.qkv.weight", Fit::query},
    {"#.attention.k_proj.weight", "#.attn.qkv.weight", Fit::key},
    {"#.attention.v_proj.weight", "#.attn.qkv.weight", Fit::value},
    {"#.attention.q_proj.bias", "#.attn.qkv.bias", Fit::query, kKeyHasBias},
    {"#.attention.k_proj.bias", "#.attn.qkv.bias", Fit::key},
    {"#.attention.v_proj.bias", "#.attn.qkv.bias", Fit::value, kKeyHasBias},
    {"#.attention.q_proj.bias", "#.attn.qkv.q_bias"},
    {"#.attention.v_proj.bias", "#.attn.qkv.v_bias"},
    {"#.attention.o_proj.*", "#.attn.proj.*"},
    {"#.mlp.gate_proj.*", "#.mlp.fc1_g.*"},
    {"#.mlp.up_proj.*", "#.mlp.fc1_x.*", Fit::whole, kGated},
    {"#.mlp.up_proj.*", "#.mlp.fc1.*"},
    {"#.mlp.down_proj.*", "#.mlp.fc2.*"},
    {"#.layer_scale1.lambda1", "#.ls1.gamma"},
    {"#.layer_scale2.lambda1", "#.ls2.gamma"},
    {"norm.*", "norm.*"},
    {"classifier.*", "head.*"},
};

}  // namespace

const Dialect kHuggingFaceDinov3{.sign = "embeddings.patch_embeddings.weight",
                                 .blocks = kBlocks,
                                 .head = "classifier.",
                                 .resampling = Resampling::bicubic,
                                 .rules = kRules};

}  // namespace models
