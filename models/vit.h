#pragma once

#include "engine/nn/layer_norm.h"
#include "engine/nn/patch_embed.h"
#include "models/block.h"

namespace models {

/// The sizes of a Vision Transformer.
struct VitConfig {
  engine::Index image_size = 224, patch = 16, channels = 3;
  engine::Index width = 768, depth = 12, heads = 12, hidden = 3072;
  engine::Index classes = 1000;
  bool qkv_bias = true;
  double norm_eps = 1e-6;

  engine::Index grid() const { return image_size / patch; }
  engine::Index tokens() const { return grid() * grid() + 1; }
};

/// Throws an Error naming the first size that makes no network: a patch that does not divide the image, ...
void check_config(const VitConfig& config);

/// A Vision Transformer (Dosovitskiy et al. 2021) with timm's parameter names: patches, class token, learned
/// positions, pre-norm blocks, a final norm and a linear head on the class token.
class Vit : public engine::Module {
 public:
  /// All parameters zero but the norms': the values come from a checkpoint or initialize().
  explicit Vit(const VitConfig& config);

  /// The class token after the final norm, [n, width], of images [n, channels, size, size].
  engine::Tensor features(const engine::Tensor& images, const DropPath& drop = {});
  /// Class scores [n, classes].
  engine::Tensor operator()(const engine::Tensor& images, const DropPath& drop = {});
  void parts(engine::Parts& visit) override;

  /// What the backward pass computes again from now on.
  void recompute(Recompute what) { blocks_.recompute(what); }

  const VitConfig& config() const { return config_; }
  /// For images of another size from now on, with these positions [1, tokens, width].
  void resize(engine::Index image_size, engine::Tensor positions);
  /// A head of zeros for another number of classes.
  void replace_head(engine::Index classes);
  /// The head's linear layer.
  engine::Linear& head() { return head_; }

 private:
  VitConfig config_;
  engine::Parameter cls_token_, pos_embed_;
  engine::PatchEmbed patch_embed_;
  Blocks blocks_;
  engine::LayerNorm norm_;
  engine::Linear head_;
};

/// timm's initialisation: matrices, head and positions from a normal distribution with standard deviation
/// 0.02 cut at 2, class token normal with 1e-6, biases zero. Every parameter has a random stream of its own.
void initialize(Vit& model, std::uint64_t seed);

/// The head's weight from the same distribution, its bias zero.
void initialize_head(Vit& model, std::uint64_t seed);

}  // namespace models
