#include "models/vit.h"

#include <algorithm>

#include "engine/nn/roles.h"
#include "engine/ops/ops.h"
#include "engine/tensor/random.h"

namespace models {

using engine::Linear;
using engine::Norm;
using engine::Parameter;
using engine::PatchProjection;
using engine::Random;
using engine::Shape;
using engine::Tensor;

// Along a side; a file may claim any number, and memory is taken for its square.
constexpr Index kMostPatches = 256;

void check_config(const VitConfig& c) {
  engine::check(c.patch > 0 && c.image_height >= c.patch && c.image_width >= c.patch, "vit: an image of",
                c.image_height, "x", c.image_width, "has no patch of", c.patch, "x", c.patch);
  engine::check(c.down() <= kMostPatches && c.across() <= kMostPatches, "vit: an image of", c.image_height,
                "x", c.image_width, "makes", c.down(), "x", c.across(), "patches; at most", kMostPatches, "x",
                kMostPatches, "are taken");
  engine::check(c.channels > 0 && c.depth > 0 && c.hidden > 0 && c.classes >= 0 && c.registers >= 0,
                "vit: channels", c.channels, "depth", c.depth, "and hidden width", c.hidden,
                "must be positive, classes", c.classes, "and registers", c.registers, "not negative");
  engine::check(c.width > 0 && c.heads > 0 && c.width % c.heads == 0, "vit: width", c.width,
                "is not a multiple of", c.heads, "heads");
  engine::check(c.pool_heads >= 0 && c.pool_hidden >= 0 && (c.pool_heads == 0 || c.width % c.pool_heads == 0),
                "vit: width", c.width, "is not a multiple of", c.pool_heads, "heads of its attention pool");
  engine::check(c.class_token || (c.pooling != Pooling::token && c.pooling != Pooling::token_and_average),
                "vit: there is no class token to pool");
  engine::check(c.class_token || !c.distillation_token, "vit: a distillation token beside no class token");
  engine::check(!c.distillation_head || (c.distillation_token && c.pooling == Pooling::token),
                "vit: a distillation head reads a distillation token beside a class token that is pooled");
  engine::check(c.rope.kind == RopeConfig::Kind::none || c.width / c.heads % 4 == 0,
                "vit: rotary position embeddings need heads of a multiple of 4 values, not",
                c.width / c.heads);
  engine::check(!c.relative_bias || (c.qkv != QkvForm::split && c.class_token && c.prefix() == 1),
                "vit: biases by relative positions stand beside a class token alone and one matrix qkv");
}

namespace {

std::vector<Block> make_blocks(const VitConfig& c, const std::shared_ptr<const Geometry>& geometry) {
  std::vector<Block> blocks;
  for (Index i = 0; i < c.depth; ++i) blocks.emplace_back(c, i, geometry);
  return blocks;
}

std::optional<Norm> norm_if(bool wanted, const VitConfig& c, Index width) {
  return wanted ? std::optional<Norm>(std::in_place, width, c.norm_eps, c.norm) : std::nullopt;
}

std::optional<Parameter> tokens_if(Index count, Index width) {
  return count > 0 ? std::optional<Parameter>(Tensor::zeros({1, count, width})) : std::nullopt;
}

}  // namespace

Vit::Vit(const VitConfig& c)
    : config_((check_config(c), c)),
      geometry_(std::make_shared<Geometry>(c)),
      cls_token_(tokens_if(c.class_token, c.width)),
      dist_token_(tokens_if(c.distillation_token, c.width)),
      reg_token_(tokens_if(c.registers, c.width)),
      patch_embed_(
          PatchProjection(c.channels, c.patch, c.width, c.patch_bias ? Linear::Bias::yes : Linear::Bias::no),
          norm_if(c.patch_norm, c, c.width)),
      norm_pre_(norm_if(c.norm_pre, c, c.width)),
      blocks_(make_blocks(c, geometry_), c.pooled_tokens()),
      norm_(norm_if(c.final_norm, c, c.width)),
      fc_norm_(norm_if(c.fc_norm, c, c.head_width())) {
  if (c.positions != Positions::none)
    pos_embed_.emplace(Tensor::zeros({1, c.positioned_prefix() + c.patches(), c.width}));
  if (c.pooling == Pooling::attention) attn_pool_.emplace(c);
  make_heads();
}

void Vit::make_heads() {
  head_.reset();
  head_dist_.reset();
  if (config_.classes == 0) return;
  head_.emplace(config_.head_width(), config_.classes);
  if (config_.distillation_head) head_dist_.emplace(config_.head_width(), config_.classes);
}

Tensor Vit::embed(const Tensor& images, const engine::KeptPatches& kept) {
  const Shape expected{images.shape()[0], config_.channels, config_.image_height, config_.image_width};
  engine::check(images.shape() == expected, "vit: images", images.shape(), "should be", expected);
  // The embedding sees each patch alone, so those that are dropped need not come in: [n, patches, width].
  Tensor x = patch_embed_(engine::keep_patches(images, config_.patch, kept));
  // Positions are added as soon as the tokens that have one are there.
  const auto insert = [&](const std::optional<Parameter>& tokens, Index at) {
    if (tokens) x = engine::insert_tokens(x, *tokens, at);
  };
  const auto add_positions = [&] {
    if (pos_embed_) x = engine::add_positions(x, *pos_embed_, kept);
  };
  const Index named = config_.class_token + config_.distillation_token;
  if (config_.positions == Positions::patches) add_positions();
  insert(cls_token_, 0);
  insert(dist_token_, 1);
  if (config_.positions == Positions::all_but_registers) add_positions();
  insert(reg_token_, named);
  if (config_.positions == Positions::all) add_positions();
  return norm_pre_ ? (*norm_pre_)(x) : x;
}

Tensor Vit::below(const Tensor& images, Index cut, const Dropped& drop) {
  const Tensor x = blocks_.some(embed(images, drop.patches), drop, 0, std::min(cut, config_.depth));
  return cut > config_.depth ? pool(x, drop) : x;
}

Tensor Vit::above(const Tensor& x, Index cut, const Dropped& drop) {
  return cut > config_.depth ? x : pool(blocks_.some(x, drop, cut, config_.depth), drop);
}

Shape Vit::shape_below(Index cut) const {
  const VitConfig& c = config_;
  const auto rows = [](Index count, Index width) { return count == 1 ? Shape{width} : Shape{count, width}; };
  if (cut > c.depth) return rows(1 + c.distillation_head, c.head_width());
  const Index pooled = c.pooled_tokens();
  return cut == c.depth && pooled > 0 ? rows(pooled, c.width) : Shape{c.tokens(), c.width};
}

Tensor Vit::pooled(const Tensor& images, const Dropped& drop) {
  return above(embed(images, drop.patches), 0, drop);
}

Tensor Vit::pool(Tensor x, const Dropped& drop) {
  if (norm_) x = (*norm_)(x);
  const auto average = [&] {  // patches are the last tokens
    const Index patches = drop.patches.all() ? config_.patches() : drop.patches.count();
    return engine::mean_tokens(x, x.shape()[1] - patches, patches);
  };
  Tensor y = x;  // of Pooling::token
  if (config_.pooling == Pooling::average) y = average();
  if (config_.pooling == Pooling::attention) y = (*attn_pool_)(x);
  if (config_.pooling == Pooling::token_and_average) y = engine::join(engine::select_token(x, 0), average());
  return fc_norm_ ? (*fc_norm_)(y) : y;
}

Tensor Vit::scores(const Tensor& pooled) {
  engine::check(head_.has_value(), "vit: there is no head, hence no class scores");
  if (!head_dist_) return (*head_)(pooled);
  return engine::scale(
      engine::add((*head_)(engine::select_token(pooled, 0)), (*head_dist_)(engine::select_token(pooled, 1))),
      0.5);
}

Tensor Vit::features_of(const Tensor& pooled) {
  return pooled.shape().rank() == 3 ? engine::mean_tokens(pooled, 0, pooled.shape()[1]) : pooled;
}

Tensor Vit::features(const Tensor& images, const Dropped& drop) {
  return features_of(pooled(images, drop));
}

Tensor Vit::operator()(const Tensor& images, const Dropped& drop) {
  return scores(pooled(images, drop));
}

void Vit::parts(engine::Parts& visit) {
  if (cls_token_) visit(engine::kClassTokenName, *cls_token_);
  if (dist_token_) visit(engine::kDistillationTokenName, *dist_token_);
  if (reg_token_) visit(engine::kRegistersName, *reg_token_);
  if (pos_embed_) visit(engine::kPositionsName, *pos_embed_);
  visit(engine::kPatchEmbedName, patch_embed_);
  if (norm_pre_) visit(engine::kPreNormName, *norm_pre_);
  if (config_.rope.kind == RopeConfig::Kind::mixed) visit(engine::kRopeName, *geometry_);
  visit(engine::kBlocksName, blocks_);
  if (norm_) visit(engine::kFinalNormName, *norm_);
  if (attn_pool_) visit(engine::kAttentionPoolName, *attn_pool_);
  if (fc_norm_) visit(engine::kPooledNormName, *fc_norm_);
  if (head_) visit(engine::kHeadName, *head_);
  if (head_dist_) visit(engine::kDistillationHeadName, *head_dist_);
}

void Vit::resize(Index image_height, Index image_width, Tensor positions, std::vector<Tensor> bias_tables) {
  VitConfig config = config_;
  config.image_height = image_height, config.image_width = image_width;
  check_config(config);
  if (pos_embed_) {
    const Shape expected{1, config.positioned_prefix() + config.patches(), config.width};
    engine::check(positions.shape() == expected, "vit: positions", positions.shape(), "should be", expected);
  }
  blocks_.replace_bias_tables(std::move(bias_tables), config);
  if (pos_embed_) pos_embed_->value() = std::move(positions);
  config_ = config;
  geometry_->resize(config.down(), config.across());
}

void Vit::replace_head(Index classes) {
  VitConfig config = config_;
  config.classes = classes;
  check_config(config);
  config_ = config;
  make_heads();
}

std::vector<Linear*> Vit::heads() {
  std::vector<Linear*> all;
  if (head_) all.push_back(&*head_);
  if (head_dist_) all.push_back(&*head_dist_);
  return all;
}

namespace {
constexpr double kStd = 0.02, kTokenStd = 1e-6;
constexpr std::uint64_t kHeadStream =
    1'000'000;  // so that a new head does not depend on the depth of the model
}  // namespace

void initialize(Vit& model, std::uint64_t seed) {
  std::uint64_t stream = 0;
  for (const auto& [name, parameter] : engine::parameters(model)) {
    Random random(seed, Random::Use::weights, stream++);
    const Shape& shape = parameter.value().shape();
    const bool token = name == engine::kClassTokenName || name == engine::kDistillationTokenName ||
                       name == engine::kRegistersName;
    if (token)
      parameter.value() = engine::normal(shape, random, kTokenStd);
    else if (shape.rank() > 1)
      parameter.value() = engine::trunc_normal(shape, random, kStd);
  }
  initialize_head(model, seed);
}

void initialize_head(Vit& model, std::uint64_t seed) {
  std::uint64_t stream = kHeadStream;
  for (Linear* head : model.heads()) {
    Random random(seed, Random::Use::weights, stream++);
    const Parameter& weight = head->weight;
    weight.value() = engine::trunc_normal(weight.value().shape(), random, kStd);
    head->bias->value() = Tensor::zeros(head->bias->value().shape());
  }
}

}  // namespace models
