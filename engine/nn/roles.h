#pragma once

#include <limits>
#include <optional>

#include "engine/nn/module.h"

namespace engine {

// What a name states about its place in a model, spelled in this one file.
//
// Boxes beside each other do not include each other, yet a method must tell the head from a block, whatever
// the model. What they share is the dotted name that engine/nn gives every parameter, and that deltas and
// --targets have as well. So this is the agreement: models/ names its parts by the constants below
// (models/names.h translates other checkpoints), and peft/ and tools/ ask role_of(). A name is enough: no
// model need be open.
//
// A backbone with more parts adds to the table in roles.cpp and asks nothing of others. LayerScale and tables
// of position biases lie inside a block.

constexpr std::string_view kClassTokenName = "cls_token", kDistillationTokenName = "dist_token",
                           kRegistersName = "reg_token", kPositionsName = "pos_embed",
                           kPatchEmbedName = "patch_embed", kPreNormName = "norm_pre", kRopeName = "rope",
                           kBlocksName = "blocks", kFinalNormName = "norm", kAttentionPoolName = "attn_pool",
                           kPooledNormName = "fc_norm", kHeadName = "head",
                           kDistillationHeadName = "head_dist";
/// The residual branches inside a block.
constexpr std::string_view kAttentionName = "attn", kMlpName = "mlp";
/// The matrix of queries, keys and values, and those of each where they are apart.
constexpr std::string_view kQkvName = "qkv", kQueryName = "q_proj", kKeyName = "k_proj",
                           kValueName = "v_proj";
/// Of a joint matrix of queries, keys and values whose keys have no bias: those of its first and last third.
constexpr std::string_view kQueryBiasName = "q_bias", kValueBiasName = "v_bias";
/// In the attention of a block, and the end of that parameter's name.
constexpr std::string_view kBiasTableName = "relative_position_bias_table";

/// The place of a parameter or module in a model.
struct Role {
  enum class Kind {
    embedding,   ///< patches, positions, prefix tokens, and the norm behind them
    block,       ///< block i, or something in it
    blocks,      ///< all blocks together, or something attached around them
    final_norm,  ///< a norm behind the blocks, before or behind the pooling
    pool,        ///< an attention pool, whose latent, kv, proj, ... are distinguished by `inside`
    head,        ///< the classifier, which every method trains
    other
  };
  Kind kind = Kind::other;
  Index block = -1;    ///< i of a block, otherwise -1
  std::string part;    ///< what the model calls it: "patch_embed", "blocks"
  std::string inside;  ///< the rest of the name: "attn.qkv.weight"; empty for the part or block itself

  /// Its layer of 0 to `blocks` + 1: the embeddings, the blocks, and all that is behind them, as in timm.
  Index layer(Index blocks) const;
};

/// The role of a dotted name: block 3 and inside "attn.qkv.weight" for "blocks.3.attn.qkv.weight".
Role role_of(std::string_view name);

/// The layers of a model from `first` to `last`, both included, as Role::layer() counts them, and its head.
/// By default all that any model has.
struct LayerRange {
  Index first = 0, last = std::numeric_limits<Index>::max();

  /// True for a parameter or module in one of these layers of a model with so many blocks, or in its head.
  bool contains(std::string_view name, Index blocks) const;
  friend bool operator==(const LayerRange&, const LayerRange&) = default;
};

/// True for the classifier and its parameters: "head", "head.weight".
bool in_head(std::string_view name);
/// True for a bias of any layer: "blocks.0.attn.qkv.bias", or those of its queries or values alone.
bool is_bias(std::string_view name);
/// True for the parameters of a norm, in a block or around them: a part of the name begins with "norm" or
/// "fc_norm".
bool in_norm(std::string_view name);
/// The name in a model whose queries, keys and values have one matrix: "blocks.0.attn.qkv.weight" for
/// "blocks.0.attn.k_proj.weight". Every other name is its own.
std::string joint_name(std::string_view name);
/// The i of block i and all that is in it.
std::optional<Index> block_of(std::string_view name);
/// How many tokens stand before the patches: class and distillation token, registers.
Index count_prefix_tokens(const std::vector<NamedParameter>& all);
/// How many blocks these parameters have: the highest block_of() + 1.
Index count_blocks(const std::vector<NamedParameter>& all);

}  // namespace engine
