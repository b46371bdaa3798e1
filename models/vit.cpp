#include "models/vit.h"

#include "engine/nn/roles.h"
#include "engine/ops/ops.h"
#include "engine/tensor/random.h"

namespace models {

using engine::Index;
using engine::Parameter;
using engine::Random;
using engine::Shape;
using engine::Tensor;

constexpr Index kMostPatches =
    256;  // along a side; a file may claim any number, and memory is taken for its square

void check_config(const VitConfig& c) {
  engine::check(c.image_size > 0 && c.patch > 0 && c.image_size % c.patch == 0, "vit: an image size of",
                c.image_size, "is not a multiple of the patch size", c.patch);
  const Index side = c.image_size / c.patch;
  engine::check(side <= kMostPatches, "vit: an image size of", c.image_size, "makes", side, "x", side,
                "patches; at most", kMostPatches, "x", kMostPatches, "are taken");
  engine::check(c.channels > 0 && c.depth > 0 && c.hidden > 0 && c.classes > 0, "vit: channels", c.channels,
                "depth", c.depth, "hidden width", c.hidden, "and classes", c.classes, "must be positive");
  engine::check(c.width > 0 && c.heads > 0 && c.width % c.heads == 0, "vit: width", c.width,
                "is not a multiple of", c.heads, "heads");
}

namespace {

std::vector<Block> make_blocks(const VitConfig& c) {
  std::vector<Block> blocks;
  for (Index i = 0; i < c.depth; ++i) blocks.emplace_back(c.width, c.heads, c.hidden, c.qkv_bias, c.norm_eps);
  return blocks;
}

}  // namespace

Vit::Vit(const VitConfig& config)
    : config_((check_config(config), config)),
      cls_token_(Tensor::zeros({1, 1, config.width})),
      pos_embed_(Tensor::zeros({1, config.tokens(), config.width})),
      patch_embed_(config.channels, config.patch, config.width),
      blocks_(make_blocks(config)),
      norm_(config.width, config.norm_eps),
      head_(config.width, config.classes) {}

Tensor Vit::features(const Tensor& images, const DropPath& drop) {
  const Shape expected{images.shape()[0], config_.channels, config_.image_size, config_.image_size};
  engine::check(images.shape() == expected, "vit: images", images.shape(), "should be", expected);
  Tensor x = patch_embed_(images);              // [n, patches, width]
  x = engine::insert_tokens(x, cls_token_, 0);  // [n, tokens, width]
  x = engine::add_positions(x, pos_embed_);
  return norm_(blocks_(x, drop));  // [n, width]
}

Tensor Vit::operator()(const Tensor& images, const DropPath& drop) {
  return head_(features(images, drop));
}

void Vit::parts(engine::Parts& visit) {
  visit(engine::kClassTokenName, cls_token_);
  visit(engine::kPositionsName, pos_embed_);
  visit(engine::kPatchEmbedName, patch_embed_);
  visit(engine::kBlocksName, blocks_);
  visit(engine::kFinalNormName, norm_);
  visit(engine::kHeadName, head_);
}

void Vit::resize(Index image_size, Tensor positions) {
  VitConfig config = config_;
  config.image_size = image_size;
  check_config(config);
  const Shape expected{1, config.tokens(), config.width};
  engine::check(positions.shape() == expected, "vit: positions", positions.shape(), "should be", expected);
  config_ = config;
  pos_embed_.value() = std::move(positions);
}

void Vit::replace_head(Index classes) {
  VitConfig config = config_;
  config.classes = classes;
  check_config(config);
  config_ = config;
  head_ = engine::Linear(config_.width, classes);
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
    if (name == engine::kClassTokenName)
      parameter.value() = engine::normal(shape, random, kTokenStd);
    else if (shape.rank() > 1)
      parameter.value() = engine::trunc_normal(shape, random, kStd);
  }
  initialize_head(model, seed);
}

void initialize_head(Vit& model, std::uint64_t seed) {
  Random random(seed, Random::Use::weights, kHeadStream);
  const Parameter& weight = model.head().weight;
  weight.value() = engine::trunc_normal(weight.value().shape(), random, kStd);
  model.head().bias->value() = Tensor::zeros(model.head().bias->value().shape());
}

}  // namespace models
