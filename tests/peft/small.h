#pragma once

#include "engine/autograd/backward.h"
#include "engine/nn/roles.h"
#include "engine/nn/state.h"
#include "engine/ops/ops.h"
#include "engine/optim/optimizer.h"
#include "models/vit.h"
#include "peft/methods.h"
#include "tests/support/compare.h"
#include "tests/support/gradcheck.h"

/// Small models with fixed values, and everything a method needs to tune them.
namespace small {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;
using models::Vit;
using models::VitConfig;

struct Sizes {
  const char* name;
  VitConfig config;
};

inline void PrintTo(const Sizes& sizes, std::ostream* out) {
  *out << sizes.name;
}

/// Matrices wider than high, higher than wide and square; more than one block.
inline VitConfig deep() {
  VitConfig c;
  c.image_height = c.image_width = 8, c.patch = 4, c.channels = 3, c.width = 12, c.depth = 3, c.heads = 3,
  c.hidden = 20, c.classes = 5;
  return c;
}

/// One block whose hidden layer is the narrow one, one colour, no bias for queries, keys and values.
inline VitConfig narrow() {
  VitConfig c;
  c.image_height = c.image_width = 12, c.patch = 6, c.channels = 1, c.width = 16, c.depth = 1, c.heads = 2,
  c.hidden = 7, c.classes = 3;
  c.qkv = models::QkvForm::joint_without_bias;
  return c;
}

/// Two sizes of a plain ViT.
inline std::vector<Sizes> all_sizes() {
  return {{"deep", deep()}, {"narrow", narrow()}};
}

/// Of two blocks, with the parts of each kind of backbone that timm has beside a plain ViT.
inline std::vector<Sizes> all_backbones() {
  using namespace models;
  using enum RopeConfig::Kind;
  VitConfig base = deep();
  base.depth = 2;
  std::vector<Sizes> all;
  const auto add = [&](const char* name, auto change) {
    all.push_back({name, base});
    change(all.back().config);
  };
  const auto gap = [](VitConfig& c) { c.class_token = false, c.pooling = Pooling::average; };
  add("deit_distilled", [](VitConfig& c) { c.distillation_token = c.distillation_head = true; });
  add("deit3", [](VitConfig& c) { c.positions = Positions::patches, c.layer_scale = true; });
  add("dinov2_reg4", [](VitConfig& c) {
    c.registers = 4, c.positions = Positions::all_but_registers, c.layer_scale = true;
    c.pooling = Pooling::token_and_average;  // as its linear classifiers
  });
  add("dinov2_giant", [](VitConfig& c) { c.layer_scale = true, c.mlp = MlpForm::swiglu; });
  add("clip_openai", [](VitConfig& c) {
    c.patch_bias = false, c.norm_pre = true, c.activation = engine::Activation::quick_gelu;
  });
  add("siglip", [](VitConfig& c) { c.class_token = false, c.pooling = Pooling::attention; });
  add("siglip_gap", gap);
  add("sbb_reg4_gap", [&](VitConfig& c) {
    gap(c);
    c.registers = 4, c.positions = Positions::patches;
    c.layer_scale = true, c.final_norm = false, c.fc_norm = true;
  });
  add("beit", [](VitConfig& c) {
    c.positions = Positions::none, c.relative_bias = true, c.qkv = QkvForm::joint_with_query_value_bias;
    c.layer_scale = true, c.final_norm = false, c.fc_norm = true, c.pooling = Pooling::average;
  });
  add("eva02_base", [](VitConfig& c) {
    c.rope = {.kind = axial, .temperature = 10000, .reference = 16};
    c.qkv = QkvForm::split, c.mlp = MlpForm::swiglu_split, c.mlp_norm = c.attention_norm = true;
    c.final_norm = false, c.fc_norm = true, c.pooling = Pooling::average;
  });
  add("dinov3", [](VitConfig& c) {
    c.registers = 4, c.positions = Positions::none, c.rope = {.kind = dinov3};
    c.qkv = QkvForm::joint_without_bias, c.layer_scale = true;
  });
  add("rope_mixed",
      [](VitConfig& c) { c.positions = Positions::none, c.rope = {.kind = mixed}, c.layer_scale = true; });
  add("aimv2", [&](VitConfig& c) {
    gap(c);
    c.norm = engine::Norm::Kind::rms, c.patch_norm = true, c.qkv = QkvForm::joint_without_bias;
    c.proj_bias = c.mlp_bias = false, c.mlp = MlpForm::swiglu_split;
  });
  return all;
}

/// A model whose values are all random and none zero. The same sizes and seed give the same bits.
inline Vit model(const VitConfig& config, std::uint64_t seed = 1) {
  Vit made(config);
  std::uint64_t stream = 100 * seed;
  for (const auto& [name, parameter] : engine::parameters(made)) {
    const bool scale = engine::in_norm(name) && name.ends_with(".weight");
    Tensor values = support::random_tensor(parameter.value().shape(), ++stream, engine::Dtype::f32, 0.2);
    if (scale) values = engine::add(values, Tensor::full(values.shape(), 1));
    parameter.value() = values;
  }
  return made;
}

constexpr Index kBatch = 4;

/// Four random images; batch `which` is the same every time.
inline Tensor images(const VitConfig& c, int which) {
  return support::random_tensor({kBatch, c.channels, c.image_height, c.image_width},
                                static_cast<std::uint64_t>(1000 + which));
}

inline std::vector<Index> labels(const VitConfig& c, int which) {
  std::vector<Index> labels;
  for (Index i = 0; i < kBatch; ++i) labels.push_back((i + which) % c.classes);
  return labels;
}

/// The mean cross entropy of batch `which`.
inline Tensor loss(Vit& model, int which) {
  const VitConfig& c = model.config();
  return engine::cross_entropy(model(images(c, which)), engine::one_hot(labels(c, which), c.classes));
}

/// `x` and `x` again along the first axis.
inline Tensor twice(const Tensor& x) {
  std::vector<Index> dims = x.shape().dims();
  dims[0] *= 2;
  Tensor both = Tensor::uninitialized(engine::Shape(std::move(dims)), x.dtype());
  std::copy_n(x.raw(), x.bytes(), both.raw());
  std::copy_n(x.raw(), x.bytes(), both.raw() + x.bytes());
  return both;
}

/// The contrastive loss of images that are their own second view.
inline Tensor contrastive_loss(Vit& model, const Tensor& views, std::vector<Index> of_images,
                               double temperature) {
  const std::vector<Index> once = of_images;
  of_images.insert(of_images.end(), once.begin(), once.end());
  const Tensor features = engine::normalize_rows(model.features(twice(views)));
  return engine::sup_con(features, of_images, temperature);
}

/// Scoring losses over `batches` batches, as the method asks for them. Counts how many are drawn in `drawn`.
inline peft::NextLoss losses(Vit& model, const peft::Method& method, int batches = 3, int* drawn = nullptr) {
  const peft::Scoring* const scoring = method.scoring();
  if (scoring && scoring->batches > 0) batches = static_cast<int>(scoring->batches);
  const auto of_batch = [&model, scoring](int which) {
    if (!scoring || scoring->loss == peft::Scoring::Loss::ce) return loss(model, which);
    return contrastive_loss(model, images(model.config(), which), labels(model.config(), which),
                            scoring->temperature);
  };
  const auto next = std::make_shared<int>(0);
  return {[of_batch, batches, drawn, next]() -> Tensor {
            if (drawn) ++*drawn;
            return *next == batches ? Tensor() : of_batch((*next)++);
          },
          [of_batch, next] { return of_batch(*next - 1); }, batches};
}

/// The method with these options where it knows them.
inline std::unique_ptr<peft::Method> method(const std::string& name,
                                            std::map<std::string, std::string> options = {}) {
  const std::vector<peft::OptionInfo>& known = peft::find_method(name).options;
  std::erase_if(options, [&](const auto& option) {
    return std::ranges::none_of(known, [&](const auto& o) { return o.name == option.first; });
  });
  return peft::make_method(name, options);
}

/// The values of all parameters, in tensors of their own.
inline engine::NamedTensors copy(engine::Module& model) {
  engine::NamedTensors state = engine::state(model);
  for (auto& [name, tensor] : state) tensor = tensor.clone();
  return state;
}

constexpr int kSteps = 4;  // of a run, an epoch each two

/// Lets the method know that step `which` of a run begins.
inline void begin_step(Vit& model, peft::Method& method, engine::Optimizer& optimizer, int which,
                       double lr = 0.01, int steps = kSteps) {
  method.begin_step(model, {which, steps, 2, lr, [&model, which] { return loss(model, which); }, optimizer});
}

/// One step as the trainer takes it, without clipping.
inline void step(Vit& model, peft::Method& method, engine::Optimizer& optimizer, int which, double lr = 0.01,
                 int steps = kSteps) {
  begin_step(model, method, optimizer, which, lr, steps);
  engine::backward(loss(model, which));
  method.regularize(engine::parameters(model));
  optimizer.step(lr);
}

/// Prepares the method and takes `steps` steps of Adam.
inline void tune(Vit& model, peft::Method& method, int steps = kSteps) {
  method.prepare(model, losses(model, method));
  const auto adam = engine::make_adam(engine::parameters(model), {});
  for (int i = 0; i < steps; ++i) step(model, method, *adam, i, 0.01, steps);
}

/// All values of both have the same bits.
inline ::testing::AssertionResult same_bits(const engine::NamedTensors& a, const engine::NamedTensors& b) {
  if (a.size() != b.size()) return ::testing::AssertionFailure() << a.size() << " and " << b.size();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (const auto same = support::same_bits(a[i].second, b[i].second); !same || a[i].first != b[i].first)
      return ::testing::AssertionFailure() << a[i].first << ", " << b[i].first << ": " << same.message();
  }
  return ::testing::AssertionSuccess();
}

/// Only values in `moved` differ between `before` and the model, and all of those do.
inline void expect_only_these_values_moved(Vit& model, const engine::NamedTensors& before,
                                           const peft::PartsByName& moved, const char* when) {
  const std::vector<NamedParameter> all = engine::parameters(model);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [name, parameter] = all[i];
    const auto found = moved.find(name);
    const Selection part = found == moved.end() ? Selection::none() : found->second;
    Tensor restored = parameter.value().clone();
    part.scatter(part.gather(before[i].second), restored);
    EXPECT_TRUE(support::same_bits(restored, before[i].second)) << when << ": a frozen value of " << name;
    const Tensor now = part.gather(parameter.value()), then = part.gather(before[i].second);
    Index still = 0;
    for (Index j = 0; j < now.numel(); ++j)
      still +=
          now.data<float>()[static_cast<std::size_t>(j)] == then.data<float>()[static_cast<std::size_t>(j)];
    EXPECT_EQ(still, 0) << when << ": of " << now.numel() << " values of " << name << " that train";
  }
}

}  // namespace small
