#pragma once

#include "engine/nn/patch_embed.h"
#include "models/attention_pool.h"
#include "models/block.h"

namespace models {

/// A Vision Transformer (Dosovitskiy et al. 2021) and its kin with timm's parameter names: patches, prefix
/// tokens, positions, pre-norm blocks, a final norm, a pooling and a linear head.
class Vit : public engine::Module {
 public:
  /// All parameters zero but the norms' and LayerScale's, which are one: the values come from a checkpoint or
  /// initialize().
  explicit Vit(const VitConfig& config);

  // A pass can be cut before block `cut`, counted from 0, behind the last (cut = depth), or where the head
  // reads (cut = depth + 1), so that what lies below is computed once for an image where nothing of it
  // trains.

  /// What images [n, channels, height, width] give below a cut: [n, tokens, width] before a block, what is
  /// pooled of it behind the last, pooled() at the head.
  engine::Tensor below(const engine::Tensor& images, Index cut, const Dropped& drop = {});
  /// pooled() of what below() gave at that cut.
  engine::Tensor above(const engine::Tensor& x, Index cut, const Dropped& drop = {});
  /// The shape of what below() gives of one image.
  engine::Shape shape_below(Index cut) const;

  /// What the head reads of images [n, channels, height, width]: [n, head_width()]; with a distillation head
  /// what each of two heads reads, [n, 2, head_width()].
  engine::Tensor pooled(const engine::Tensor& images, const Dropped& drop = {});
  /// Class scores [n, classes] of what pooled() gives: of two heads their mean.
  engine::Tensor scores(const engine::Tensor& pooled);
  /// Of what pooled() gives for two heads the mean, else itself: [n, head_width()].
  static engine::Tensor features_of(const engine::Tensor& pooled);
  /// features_of(pooled(images)).
  engine::Tensor features(const engine::Tensor& images, const Dropped& drop = {});
  /// scores(pooled(images)).
  engine::Tensor operator()(const engine::Tensor& images, const Dropped& drop = {});
  void parts(engine::Parts& visit) override;

  /// What the backward pass computes again from now on.
  void recompute(Recompute what) { blocks_.recompute(what); }

  const VitConfig& config() const { return config_; }
  /// For images of another size from now on, with what depends on the size: positions [1, any, width], empty
  /// without pos_embed, and the tables of relative positions of all blocks, none without them.
  void resize(Index image_height, Index image_width, engine::Tensor positions,
              std::vector<engine::Tensor> bias_tables = {});
  /// A head of zeros for another number of classes.
  void replace_head(Index classes);
  /// The head's linear layers: one, or two with a distillation head; none without classes.
  std::vector<engine::Linear*> heads();

 private:
  /// Images to tokens, [n, tokens, width], with prefix and positions; of patches those that are kept.
  engine::Tensor embed(const engine::Tensor& images, const engine::KeptPatches& kept);
  /// What is behind the blocks, normalised and pooled.
  engine::Tensor pool(engine::Tensor x, const Dropped& drop);
  void make_heads();

  VitConfig config_;
  std::shared_ptr<Geometry> geometry_;
  std::optional<engine::Parameter> cls_token_, dist_token_, reg_token_, pos_embed_;
  engine::PatchEmbed patch_embed_;
  std::optional<engine::Norm> norm_pre_;
  Blocks blocks_;
  std::optional<engine::Norm> norm_;
  std::optional<AttentionPool> attn_pool_;
  std::optional<engine::Norm> fc_norm_;
  std::optional<engine::Linear> head_, head_dist_;
};

/// timm's initialisation: matrices, head and positions from a normal distribution with standard deviation
/// 0.02 cut at 2, prefix tokens normal with 1e-6, biases zero. Every parameter has a random stream of its
/// own.
void initialize(Vit& model, std::uint64_t seed);

/// The heads' weights from the same distribution, their biases zero.
void initialize_head(Vit& model, std::uint64_t seed);

}  // namespace models
