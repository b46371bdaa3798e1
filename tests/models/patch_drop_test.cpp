// A pass of the patches that images keep, beside one that is made by hand, op by op, of all patches up to
// their positions and of the tokens that are left from there on.

#include <gtest/gtest.h>

#include <cstring>

#include "engine/autograd/backward.h"
#include "engine/nn/state.h"
#include "engine/ops/ops.h"
#include "models/vit.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"

namespace {

using engine::Index;
using engine::KeptPatches;
using engine::Tensor;
using models::Pooling;
using models::RopeConfig;
using models::Vit;
using models::VitConfig;
using support::same_bits;

constexpr Index kImages = 3;

VitConfig small() {
  VitConfig c;
  c.image_height = 8, c.image_width = 12, c.patch = 4, c.channels = 2, c.width = 16, c.depth = 2, c.heads = 2,
  c.hidden = 24, c.classes = 4;
  return c;
}

/// Four of six patches, others of each image.
KeptPatches some() {
  return {6, 4, {0, 1, 3, 5, 1, 2, 3, 4, 0, 2, 4, 5}};
}

/// Values large enough for every part to show.
void fill(Vit& model) {
  std::uint64_t stream = 100;
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const Tensor noise = support::random_tensor(parameter.value().shape(), ++stream, engine::Dtype::f32, 0.3);
    parameter.value() = engine::add(parameter.value(), noise);
  }
}

Tensor images() {
  return support::random_tensor({kImages, 2, 8, 12}, 1);
}

/// A pass by hand of a model with plain norms and MLPs.
class ByHand {
 public:
  ByHand(Vit& model, const KeptPatches& kept) : c_(model.config()), kept_(kept) {
    for (const auto& [name, parameter] : engine::parameters(model)) parameters_.emplace(name, parameter);
  }

  /// The class scores of one image [1, channels, height, width].
  Tensor operator()(const Tensor& image, Index index) const {
    Tensor x = left(embedded(image), index);
    if (c_.norm_pre) x = norm(x, "norm_pre");
    for (Index block = 0; block < c_.depth; ++block) {
      const std::string name = "blocks." + std::to_string(block) + ".";
      x = engine::add(x, linear(attended(norm(x, name + "norm1"), block, index), name + "attn.proj"));
      const Tensor hidden = linear(norm(x, name + "norm2"), name + "mlp.fc1");
      x = engine::add(x, linear(engine::gelu(hidden), name + "mlp.fc2"));
    }
    x = norm(x, "norm");
    const Tensor average = engine::mean_tokens(x, c_.prefix(), kept_.count());
    if (c_.pooling == Pooling::average) return linear(average, "head");
    if (c_.pooling == Pooling::token_and_average)
      return linear(engine::join(engine::select_token(x, 0), average), "head");
    if (c_.pooling == Pooling::attention) return linear(pooled(x), "head");
    const Tensor scores = linear(engine::select_token(x, 0), "head");
    if (!c_.distillation_head) return scores;
    return engine::scale(engine::add(scores, linear(engine::select_token(x, 1), "head_dist")), 0.5);
  }

 private:
  Tensor of(const std::string& name) const { return parameters_.at(name); }
  Tensor linear(const Tensor& x, const std::string& name) const {
    return engine::linear(x, of(name + ".weight"), of(name + ".bias"));
  }
  Tensor norm(const Tensor& x, const std::string& name) const {
    return engine::layer_norm(x, of(name + ".weight"), of(name + ".bias"), c_.norm_eps);
  }

  /// All tokens.
  Tensor embedded(const Tensor& image) const {
    Tensor x = linear(engine::patches(image, c_.patch), "patch_embed.proj");
    if (c_.class_token) x = engine::insert_tokens(x, of("cls_token"), 0);
    if (c_.distillation_token) x = engine::insert_tokens(x, of("dist_token"), 1);
    if (c_.registers > 0) x = engine::insert_tokens(x, of("reg_token"), c_.prefix() - c_.registers);
    return c_.positions == models::Positions::none ? x : engine::add_positions(x, of("pos_embed"));
  }

  /// The tokens that are left, the last removed first.
  Tensor left(Tensor x, Index index) const {
    const std::vector<Index> at = kept_.by_place();
    for (Index place = c_.patches() - 1; place >= 0; --place) {
      if (at[static_cast<std::size_t>(index * c_.patches() + place)] < 0)
        x = engine::remove_tokens(x, c_.prefix() + place, 1);
    }
    return x;
  }

  Tensor attended(const Tensor& x, Index block, Index index) const {
    const std::string name = "blocks." + std::to_string(block) + ".attn.";
    Tensor qkv = linear(x, name + "qkv");
    if (c_.rope.kind != RopeConfig::Kind::none) {
      // As tokens of one sequence: [heads or 1, patches, pairs * 2].
      const Tensor turns = c_.rope.kind == RopeConfig::Kind::mixed
                               ? engine::mixed_turns(of("rope.freqs"), block, c_.down(), c_.across())
                               : models::Geometry(c_).turns(block, engine::Dtype::f32);
      const Index tables = turns.shape()[0], half = turns.shape()[2];
      Tensor some = engine::reshape(turns, {tables, c_.patches(), half * 2});
      const std::vector<Index> at = kept_.by_place();
      for (Index place = c_.patches() - 1; place >= 0; --place) {
        if (at[static_cast<std::size_t>(index * c_.patches() + place)] < 0)
          some = engine::remove_tokens(some, place, 1);
      }
      qkv = engine::rotate(qkv, 2 * c_.width, engine::reshape(some, {tables, kept_.count(), half, 2}),
                           models::Geometry(c_).pairs());
    }
    engine::RelativePositions bias;
    if (c_.relative_bias) {  // its op is tested beside the formula
      const Index* places = kept_.data() + index * kept_.count();
      bias = {of(name + "relative_position_bias_table"),
              c_.down(),
              c_.across(),
              {c_.patches(), kept_.count(), {places, places + kept_.count()}}};
    }
    return engine::attention(qkv, c_.heads, 0, bias);
  }

  Tensor pooled(const Tensor& x) const {
    const Tensor found = engine::cross_attention(linear(of("attn_pool.latent"), "attn_pool.q"),
                                                 linear(x, "attn_pool.kv"), c_.heads);
    const Tensor y = linear(engine::select_token(found, 0), "attn_pool.proj");
    const Tensor hidden = engine::gelu(linear(norm(y, "attn_pool.norm"), "attn_pool.mlp.fc1"));
    return engine::add(y, linear(hidden, "attn_pool.mlp.fc2"));
  }

  VitConfig c_;
  KeptPatches kept_;
  std::map<std::string, engine::Parameter> parameters_;
};

struct Case {
  const char* name;
  void (*change)(VitConfig&);
};
void PrintTo(const Case& c, std::ostream* os) {
  *os << c.name;
}

class PatchDrop : public ::testing::TestWithParam<Case> {};

TEST_P(PatchDrop, is_a_pass_of_the_tokens_that_are_left_and_so_are_its_gradients) {
  VitConfig config = small();
  GetParam().change(config);
  Vit model(config);
  fill(model);
  const KeptPatches kept = some();
  const auto parameters = engine::parameters(model);
  const auto gradients = [&] {
    std::vector<Tensor> all;
    for (const auto& [name, parameter] : parameters) {
      all.push_back(parameter.grad());
      parameter.grad() = {};
    }
    return all;
  };
  const ByHand by_hand(model, kept);
  Tensor expected = Tensor::uninitialized({kImages, 4});
  for (Index i = 0; i < kImages; ++i) {
    const Tensor scores = by_hand(images().slice(i, i + 1).clone(), i);
    std::memcpy(expected.raw() + static_cast<std::size_t>(i) * scores.bytes(), scores.raw(), scores.bytes());
    engine::backward(support::weighted_sum(scores, static_cast<std::uint64_t>(i)));
  }
  const std::vector<Tensor> by_hands = gradients();

  const Tensor scores = model(images(), {.patches = kept});
  EXPECT_TRUE(support::near(scores, expected, 1e-6)) << "largest score " << scores.shape();
  Tensor weights = Tensor::uninitialized({kImages, 4});
  for (Index i = 0; i < kImages; ++i) {
    const Tensor one = support::random_tensor({1, 4}, static_cast<std::uint64_t>(i));
    std::memcpy(weights.raw() + static_cast<std::size_t>(i) * one.bytes(), one.raw(), one.bytes());
  }
  engine::backward(engine::sum(engine::multiply(scores, weights)));
  const std::vector<Tensor> actual = gradients();
  for (std::size_t i = 0; i < actual.size(); ++i) {
    SCOPED_TRACE(parameters[i].name);
    ASSERT_TRUE(actual[i].defined());
    EXPECT_TRUE(support::near(actual[i], by_hands[i], 2e-5));
  }
  EXPECT_FALSE(support::near(model(images()), expected, 1e-2)) << "nothing shows what is left out";
}

TEST_P(PatchDrop, of_no_patch_is_the_pass_of_all) {
  VitConfig config = small();
  GetParam().change(config);
  Vit model(config);
  fill(model);
  const Tensor all = model(images()), none_dropped = model(images(), {.patches = {6,
                                                                                  6,
                                                                                  {0, 1, 2, 3, 4, 5,  //
                                                                                   0, 1, 2, 3, 4, 5,  //
                                                                                   0, 1, 2, 3, 4, 5}}});
  EXPECT_TRUE(same_bits(none_dropped, all));
}

TEST_P(PatchDrop, gives_the_same_bits_whatever_is_recomputed) {
  VitConfig config = small();
  GetParam().change(config);
  Vit model(config);
  fill(model);
  const auto gradients = [&](models::Recompute what) {
    model.recompute(what);
    engine::backward(support::weighted_sum(model(images(), {.patches = some()})));
    std::vector<Tensor> all;
    for (const auto& [name, parameter] : engine::parameters(model)) {
      all.push_back(parameter.grad());
      parameter.grad() = {};
    }
    return all;
  };
  const std::vector<Tensor> held = gradients(models::Recompute::none);
  for (const auto what : {models::Recompute::mlp, models::Recompute::blocks}) {
    const std::vector<Tensor> again = gradients(what);
    for (std::size_t i = 0; i < held.size(); ++i) EXPECT_TRUE(same_bits(again[i], held[i]));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , PatchDrop,
    ::testing::Values(
        Case{"class_token", [](VitConfig&) {}},
        Case{"norm_before_the_blocks", [](VitConfig& c) { c.norm_pre = true; }},
        Case{"registers_and_average", [](VitConfig& c) { c.registers = 2, c.pooling = Pooling::average; }},
        Case{"class_token_and_average", [](VitConfig& c) { c.pooling = Pooling::token_and_average; }},
        Case{"attention_pool_without_class_token",
             [](VitConfig& c) { c.class_token = false, c.pooling = Pooling::attention; }},
        Case{"distillation", [](VitConfig& c) { c.distillation_token = c.distillation_head = true; }},
        Case{"axial_rope",
             [](VitConfig& c) {
               c.rope = {.kind = RopeConfig::Kind::axial, .temperature = 100, .columns_first = true};
             }},
        Case{"rope_of_dinov3_without_positions",
             [](VitConfig& c) {
               c.rope.kind = RopeConfig::Kind::dinov3, c.positions = models::Positions::none, c.registers = 1;
             }},
        Case{"mixed_rope", [](VitConfig& c) { c.rope.kind = RopeConfig::Kind::mixed; }},
        Case{"relative_positions",
             [](VitConfig& c) { c.relative_bias = true, c.positions = models::Positions::none; }}),
    [](const auto& c) { return c.param.name; });

TEST(PatchDropOfAModel, refuses_patches_of_another_grid) {
  Vit model(small());
  EXPECT_EQ(support::error_of([&] {
              model(images(), {.patches = {4, 1, {0, 1, 2}}});
            }),
            "keep_patches: images [3, 2, 8, 12] do not have 4 patches of side 4");
}

}  // namespace
