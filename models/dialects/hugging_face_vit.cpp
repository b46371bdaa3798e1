#include "models/dialects/dialect.h"

namespace models {

namespace {

// transformers 4 (and what 5 writes), and transformers 5 in memory.
constexpr const char* kBlocks[] = {"encoder.layer.", "layers."};
constexpr const char* kTowers[] = {
    "vit.", "deit.", "ijepa.", "beit.", "data2vec_vision.", "dinov2.", "dinov2_with_registers."};

/// Where keys have a bias, queries and values have theirs beside it; those may also be alone.
constexpr const char* kKeyHasBias =
    "encoder.layer.0.attention.attention.key.bias encoder.layer.0.attention.k_proj.bias "
    "layers.0.attention.k_proj.bias";

/// ViT, DeiT, I-JEPA, ViTMAE, BEiT, Data2Vec and Dinov2.
constexpr Rule kRules[] = {
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.distillation_token", "dist_token"},
    {"embeddings.register_tokens", "reg_token"},
    {"embeddings.position_embeddings", "pos_embed"},
    {"embeddings.patch_embeddings.projection.*", "patch_embed.proj.*"},
    {"#.layernorm_before.*", "#.norm1.*"},
    {"#.layernorm_after.*", "#.norm2.*"},
    {"#.norm1.*", "#.norm1.*"},
    {"#.norm2.*", "#.norm2.*"},
    {"#.attention.attention.query.weight", "#.attn.qkv.weight", Fit::query},
    {"#.attention.attention.key.weight", "#.attn.qkv.weight", Fit::key},
    {"#.attention.attention.value.weight", "#.attn.qkv.weight", Fit::value},
    {"#.attention.attention.query.bias", "#.attn.qkv.bias", Fit::query, kKeyHasBias},
    {"#.attention.attention.key.bias", "#.attn.qkv.bias", Fit::key},
    {"#.attention.attention.value.bias", "#.attn.qkv.bias", Fit::value, kKeyHasBias},
    {"#.attention.attention.query.bias", "#.attn.qkv.q_bias"},
    {"#.attention.attention.value.bias", "#.attn.qkv.v_bias"},
    {"#.attention.q_proj.weight", "#.attn.qkv.weight", Fit::query},
    {"#.attention.k_proj.weight", "#.attn.qkv.weight", Fit::key},
    {"#.attention.v_proj.weight", "#.attn.qkv.weight", Fit::value},
    {"#.attention.q_proj.bias", "#.attn.qkv.bias", Fit::query, kKeyHasBias},
    {"#.attention.k_proj.bias", "#.attn.qkv.bias", Fit::key},
    {"#.attention.v_proj.bias", "#.attn.qkv.bias", Fit::value, kKeyHasBias},
    {"#.attention.q_proj.bias", "#.attn.qkv.q_bias"},
    {"#.attention.v_proj.bias", "#.attn.qkv.v_bias"},
    {"#.attention.output.dense.*", "#.attn.proj.*"},
    {"#.attention.o_proj.*", "#.attn.proj.*"},
    {"#.attention.attention.relative_position_bias.relative_position_bias_table",
     "#.attn.relative_position_bias_table"},
    {"#.relative_position_bias.relative_position_bias_table", "#.attn.relative_position_bias_table"},
    {"encoder.relative_position_bias.relative_position_bias_table", "#.attn.relative_position_bias_table",
     Fit::in_every_block},
    {"shared_position_bias.relative_position_bias_table", "#.attn.relative_position_bias_table",
     Fit::in_every_block},
    {"#.intermediate.dense.*", "#.mlp.fc1.*"},
    {"#.output.dense.*", "#.mlp.fc2.*"},
    {"#.mlp.weights_in.*", "#.mlp.fc1.*"},  // the gate first
    {"#.mlp.weights_out.*", "#.mlp.fc2.*"},
    {"#.mlp.gate_proj.*", "#.mlp.fc1_g.*"},
    {"#.mlp.up_proj.*", "#.mlp.fc1_x.*"},
    {"#.mlp.down_proj.*", "#.mlp.fc2.*"},
    {"#.mlp.*", "#.mlp.*"},
    {"#.lambda_1", "#.ls1.gamma"},
    {"#.lambda_2", "#.ls2.gamma"},
    {"#.layer_scale1.lambda1", "#.ls1.gamma"},
    {"#.layer_scale2.lambda1", "#.ls2.gamma"},
    {"layernorm.*", "norm.*"},
    {"pooler.layernorm.*", "fc_norm.*"},
    {"pooler.dense.*", "", Fit::unread},
    {"classifier.*", "head.*"},
    {"cls_classifier.*", "head.*"},
    {"distillation_classifier.*", "head_dist.*"},
};

}  // namespace

const Dialect kHuggingFaceVit{.sign = "embeddings.patch_embeddings.projection.weight",
                              .blocks = kBlocks,
                              .towers = kTowers,
                              .head = "classifier.",
                              .token_head = "cls_classifier.",
                              .distillation_head = "distillation_classifier.",
                              .resampling = Resampling::bicubic,
                              .resampling_with_registers = Resampling::bicubic_antialias,
                              .rules = kRules};

}  // namespace models
