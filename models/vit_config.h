#pragma once

#include "engine/nn/norm.h"
#include "engine/ops/activation.h"

namespace models {

using engine::Index;

/// The tokens that have an entry in pos_embed.
enum class Positions {
  none,               ///< there is no pos_embed
  patches,            ///< patches alone
  all_but_registers,  ///< class and distillation token, and patches
  all
};

/// Queries, keys and values.
enum class QkvForm {
  joint,                        ///< one matrix `qkv` with a bias
  joint_without_bias,           ///< one matrix
  joint_with_query_value_bias,  ///< one matrix, and `q_bias` and `v_bias`: keys have none
  split                         ///< `q_proj` and `v_proj` with a bias, `k_proj` without
};

enum class MlpForm {
  plain,        ///< fc2(activation(fc1 x))
  swiglu,       ///< fc2(silu(g) v), fc1 x being g beside v
  swiglu_split  ///< fc2(silu(fc1_g x) (fc1_x x))
};

/// What the head reads.
enum class Pooling {
  token,             ///< the class token; with a distillation head, the distillation token has that one
  average,           ///< the mean of the patches
  attention,         ///< a latent query that attends to all tokens (Zhai et al. 2023, "SigLIP")
  token_and_average  ///< the class token beside the mean of the patches (DINOv2's linear classifiers)
};

/// How position embeddings are made for another image size: as the library does it whose names a checkpoint
/// has. The interpolation is PyTorch's.
enum class Resampling {
  bicubic_antialias,  ///< timm, and DINOv2 with registers in Hugging Face's names
  bicubic,            ///< Hugging Face
  bicubic_corners,    ///< torchvision: corners lie on corners
  bilinear,           ///< flexivit and most of RADIO in timm, and Google's .npz files
  bilinear_corners    ///< some of RADIO
};

/// Rotary position embeddings of queries and keys, for patches alone (engine/ops/rotary.h).
struct RopeConfig {
  enum class Kind {
    none,
    /// Places in [-1, 1], each axis by its own size; pair j turns by 2 pi place / temperature^(4 j / d), rows
    /// first, then columns; pairs are halves (DINOv3, Simeoni et al. 2025).
    dinov3,
    /// Places counted in patches, scaled to `reference` where there is one; pair j turns by (place + offset)
    /// / temperature^(4 j / d), one axis, then the other; pairs are neighbours (EVA-02, Fang et al. 2023).
    axial,
    /// Trained angles for each block and head (RoPE-Mixed, Heo et al. 2024).
    mixed
  };
  Kind kind = Kind::none;
  double temperature = 100;
  double offset = 0;
  Index reference = 0;         ///< patches along a side of the grid that places are scaled to; 0: as they are
  bool columns_first = false;  ///< of an axial one: columns turn the first pairs

  bool operator==(const RopeConfig&) const = default;
};

/// What a Vision Transformer has: its sizes, and its parts in the order in which an image meets them. The
/// defaults are ViT-B/16 of 2020.
struct VitConfig {
  Index image_height = 224, image_width = 224, patch = 16, channels = 3;
  Index width = 768, depth = 12, heads = 12, hidden = 3072;
  Index classes = 1000;  ///< 0: no head

  bool patch_bias = true, patch_norm = false;
  bool class_token = true, distillation_token = false;
  bool distillation_head = false;  ///< of the distillation token; scores are the mean of both heads'
  Index registers = 0;
  Positions positions = Positions::all;
  Resampling resampling = Resampling::bicubic_antialias;
  bool norm_pre = false;  ///< a norm before the first block

  engine::Norm::Kind norm = engine::Norm::Kind::layer;
  double norm_eps = 1e-6;
  QkvForm qkv = QkvForm::joint;
  RopeConfig rope = {};
  bool relative_bias =
      false;  ///< a table of biases by the places of two patches to each other, in each block
  bool attention_norm = false;  ///< a norm between the heads and proj
  bool proj_bias = true;
  MlpForm mlp = MlpForm::plain;
  engine::Activation activation = engine::Activation::gelu;  ///< of a plain MLP, and of an attention pool's
  bool mlp_norm = false;                                     ///< a norm before fc2
  bool mlp_bias = true;
  bool layer_scale = false;  ///< a trained factor for every feature of a residual branch

  bool final_norm = true;  ///< of all tokens, before the pooling
  Pooling pooling = Pooling::token;
  Index pool_heads = 0;   ///< of an attention pool; 0: as many as a block has
  Index pool_hidden = 0;  ///< the hidden width of its MLP; 0: a block's
  bool fc_norm = false;   ///< of what was pooled

  Index down() const { return image_height / patch; }
  Index across() const { return image_width / patch; }
  Index patches() const { return down() * across(); }
  /// Tokens before the patches: class, distillation, registers.
  Index prefix() const { return class_token + distillation_token + registers; }
  Index tokens() const { return prefix() + patches(); }
  /// Prefix tokens that have an entry in pos_embed.
  Index positioned_prefix() const {
    if (positions == Positions::all) return prefix();
    return positions == Positions::all_but_registers ? prefix() - registers : 0;
  }
  /// Tokens behind the last block that anything reads, from the first on; 0: all.
  Index pooled_tokens() const { return pooling == Pooling::token ? 1 + distillation_head : 0; }
  /// Features that the head reads.
  Index head_width() const { return pooling == Pooling::token_and_average ? 2 * width : width; }

  bool operator==(const VitConfig&) const = default;
};

/// Throws an Error naming the first size that makes no network: an image smaller than a patch, ...
void check_config(const VitConfig& config);

}  // namespace models
