#include "models/dialects/dialect.h"

namespace models {

namespace {

constexpr const char* kBlocks[] = {"encoder.layers.encoder_layer_"};

constexpr Rule kRules[] = {
    {"class_token", "cls_token"},
    {"encoder.pos_embedding", "pos_embed"},
    {"conv_proj.*", "patch_embed.proj.*"},
    {"#.ln_1.*", "#.norm1.*"},
    {"#.ln_2.*", "#.norm2.*"},
    {"#.self_attention.in_proj_*", "#.attn.qkv.*"},
    {"#.self_attention.out_proj.*", "#.attn.proj.*"},
    {"#.mlp.0.*", "#.mlp.fc1.*"},
    {"#.mlp.3.*", "#.mlp.fc2.*"},
    {"#.mlp.linear_1.*", "#.mlp.fc1.*"},  // before 0.13
    {"#.mlp.linear_2.*", "#.mlp.fc2.*"},
    {"encoder.ln.*", "norm.*"},
    {"heads.head.weight", "head.weight"},
    {"heads.head.bias", "head.bias"},
    {"heads.weight", "head.weight"},  // as people replace it
    {"heads.bias", "head.bias"},
};

}  // namespace

const Dialect kTorchvision{.sign = "conv_proj.weight",
                           .blocks = kBlocks,
                           .head = "heads.head.",
                           .resampling = Resampling::bicubic_corners,
                           .rules = kRules};

}  // namespace models
