#include "models/dialects/dialect.h"

namespace models {

namespace {

constexpr const char* kBlocks[] = {"transformer.resblocks."};

/// The tower `visual` of OpenAI's CLIP and of OpenCLIP. Its classifier is one that this program has added.
constexpr Rule kRules[] = {
    {"class_embedding", "cls_token", Fit::three_axes},
    {"positional_embedding", "pos_embed", Fit::three_axes},
    {"conv1.*", "patch_embed.proj.*"},
    {"ln_pre.*", "norm_pre.*"},
    {"#.ln_1.*", "#.norm1.*"},
    {"#.ln_2.*", "#.norm2.*"},
    {"#.attn.in_proj_*", "#.attn.qkv.*"},
    {"#.attn.out_proj.*", "#.attn.proj.*"},
    {"#.mlp.c_fc.*", "#.mlp.fc1.*"},
    {"#.mlp.c_proj.*", "#.mlp.fc2.*"},
    {"#.ls_1.gamma", "#.ls1.gamma"},
    {"#.ls_2.gamma", "#.ls2.gamma"},
    {"ln_post.*", "norm.*"},
    {"proj", "proj", Fit::unread},
    {"head.*", "head.*"},
};

}  // namespace

const Dialect kOpenClip{.sign = "conv1.weight",
                        .beside = "positional_embedding",
                        .blocks = kBlocks,
                        .head = "head.",
                        .resampling = Resampling::bicubic_antialias,
                        .rules = kRules};

}  // namespace models
