#include "models/dialects/dialect.h"

namespace models {

namespace {

constexpr const char* kBlocks[] = {"blocks."};

/// timm has two names for LayerScale, and biases of queries and values beside the matrix that they belong to.
constexpr Rule kRules[] = {{"#.gamma_1", "#.ls1.gamma"},
                           {"#.gamma_2", "#.ls2.gamma"},
                           {"#.attn.q_bias", "#.attn.qkv.q_bias"},
                           {"#.attn.v_bias", "#.attn.qkv.v_bias"},
                           {"*", "*"}};

}  // namespace

const Dialect kTimm{.sign = "patch_embed.proj.weight",
                    .blocks = kBlocks,
                    .head = "head.",
                    .token_head = "head.",
                    .distillation_head = "head_dist.",
                    .resampling = Resampling::bicubic_antialias,
                    .rules = kRules};

}  // namespace models
