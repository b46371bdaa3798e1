#include "models/dialects/dialect.h"

namespace models {

namespace {

constexpr const char* kBlocks[] = {"encoder.layers."};
constexpr const char* kTowers[] = {"vision_model."};

/// The vision towers of CLIP and SigLIP.
constexpr Rule kRules[] = {
    {"embeddings.class_embedding", "cls_token", Fit::three_axes},
    {"embeddings.position_embedding.weight", "pos_embed", Fit::three_axes},
    {"embeddings.patch_embedding.*", "patch_embed.proj.*"},
    {"pre_layrnorm.*", "norm_pre.*"},  // sic
    {"#.layer_norm1.*", "#.norm1.*"},
    {"#.layer_norm2.*", "#.norm2.*"},
    {"#.self_attn.q_proj.*", "#.attn.qkv.*", Fit::query},
    {"#.self_attn.k_proj.*", "#.attn.qkv.*", Fit::key},
    {"#.self_attn.v_proj.*", "#.attn.qkv.*", Fit::value},
    {"#.self_attn.out_proj.*", "#.attn.proj.*"},
    {"#.mlp.*", "#.mlp.*"},
    {"post_layernorm.*", "norm.*"},
    {"head.probe", "attn_pool.latent"},
    {"head.attention.in_proj_*", "attn_pool.q.*", Fit::packed_query},
    {"head.attention.in_proj_*", "attn_pool.kv.*", Fit::packed_keys},
    {"head.attention.out_proj.*", "attn_pool.proj.*"},
    {"head.layernorm.*", "attn_pool.norm.*"},
    {"head.mlp.*", "attn_pool.mlp.*"},
    {"classifier.*", "head.*"},
};

}  // namespace

/// CLIPForImageClassification averages patches before post_layernorm.
const Dialect kHuggingFaceClip{.sign = "embeddings.patch_embedding.weight",
                               .beside = "embeddings.class_embedding",
                               .blocks = kBlocks,
                               .towers = kTowers,
                               .head = "classifier.",
                               .resampling = Resampling::bicubic,
                               .unread_by_average = "norm.",
                               .rules = kRules};

/// SiglipForImageClassification averages tokens behind it, without the attention pool.
const Dialect kHuggingFaceSiglip{.sign = "embeddings.patch_embedding.weight",
                                 .blocks = kBlocks,
                                 .towers = kTowers,
                                 .head = "classifier.",
                                 .resampling = Resampling::bicubic,
                                 .unread_by_average = "attn_pool.",
                                 .rules = kRules};

}  // namespace models
