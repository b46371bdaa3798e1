// What models compute beside what timm, transformers, OpenCLIP, torchvision and Google's own compute of them.

#include <gmock/gmock.h>

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "data/codecs/decode.h"
#include "engine/autograd/backward.h"
#include "engine/autograd/record.h"
#include "engine/io/json.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/loss.h"
#include "engine/ops/rearrange.h"
#include "models/names.h"
#include "models/npz_names.h"
#include "models/positions.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/zip_bytes.h"
#include "tests/training/golden_backbones.h"

namespace training {
namespace {

using ::testing::HasSubstr;

/// A .npz with the arrays of another, every value of which is what `value` says of its array and its place.
template <class F>
std::string filled(const engine::Npz& like, F value) {
  std::vector<support::ZipPart> parts;
  for (std::size_t i = 0; i < like.arrays().size(); ++i) {
    const engine::Npz::Array& array = like.arrays()[i];
    std::string shape = "(", bytes;
    for (const Index length : array.header.shape.dims()) shape += std::to_string(length) + ",";
    for (std::size_t place = 0; place < static_cast<std::size_t>(array.header.shape.numel()); ++place) {
      const float number = static_cast<float>(value(i, place));
      bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
    parts.push_back({.name = array.name + ".npy",
                     .content = support::npy_of(support::dictionary("<f4", shape + ")"), bytes)});
  }
  return support::zip_of(parts);
}

/// Tensors with timm's names as a .npz of Google's has them: where each of its values goes is found by
/// reading one that holds the numbers of its arrays, and one that holds the places in them.
engine::NamedTensors in_the_layout_of(const engine::Npz& like, const engine::NamedTensors& timm) {
  const engine::TemporaryFolder folder;
  const auto read = [&](auto value) {
    const engine::Npz file(engine::put(folder / "x.npz", filled(like, value)));
    const engine::NamedTensors tensors = models::read_npz_model(file).tensors;
    return std::map<std::string, Tensor>(tensors.begin(), tensors.end());
  };
  const auto arrays = read([](std::size_t array, std::size_t) { return array; });
  const auto places = read([](std::size_t, std::size_t place) { return place; });
  engine::NamedTensors all;
  for (const engine::Npz::Array& array : like.arrays())
    all.emplace_back(array.name, Tensor::zeros(array.header.shape));
  for (const auto& [name, tensor] : timm) {
    const auto values = support::doubles(tensor), array = support::doubles(arrays.at(name)),
               place = support::doubles(places.at(name));
    for (std::size_t i = 0; i < values.size(); ++i)
      all[static_cast<std::size_t>(array[i])].second.data<float>()[static_cast<std::size_t>(place[i])] =
          static_cast<float>(values[i]);
  }
  return all;
}

/// The values of a case that holds f32 and f64: in f64 where it has them.
Tensor best(const Safetensors& golden, const std::string& name) {
  return golden.read(golden.contains(name + "64") ? name + "64" : name);
}

/// Fills pixels that a case does not hold from its images: value / 255, minus mean, over std.
Tensor pixels_of(const Safetensors& golden, const LoadedModel& loaded, const std::filesystem::path& folder,
                 const std::string& held, const std::string& images) {
  if (golden.contains(held)) return golden.read(held);
  const data::Image first = data::read_image(folder / images / "0.png");
  data::Preprocessing how = loaded.preprocessing;
  if (folder.parent_path().filename() == "torchvision")
    how.mean = {0.485f, 0.456f, 0.406f}, how.std = {0.229f, 0.224f, 0.225f};
  how.mode = data::Preprocessing::Mode::squash;
  how.size = {first.height, first.width};
  Tensor all = Tensor::uninitialized({2, 3, first.height, first.width});
  for (const Index i : {0, 1}) {
    const Tensor one = data::to_tensor(data::read_image(folder / images / (std::to_string(i) + ".png")), how);
    std::memcpy(all.raw() + static_cast<std::size_t>(i) * one.bytes(), one.raw(), one.bytes());
  }
  return all;
}

/// What a head would read, where the library has no head: its pooled output, or what a case holds of the last
/// tokens. A pooler behind them (Hugging Face's tanh) is no part of a classifier.
std::optional<Tensor> features_of(const Safetensors& golden, const std::string& size, bool pooler,
                                  const models::VitConfig& config) {
  if (golden.contains("pooled" + size) && !pooler) return best(golden, "pooled" + size);
  if (!golden.contains("last_hidden_state" + size)) return std::nullopt;
  const Tensor tokens = best(golden, "last_hidden_state" + size);
  const engine::NoGrad evaluation;
  return config.pooling == models::Pooling::average
             ? engine::mean_tokens(tokens, tokens.shape()[1] - config.patches(), config.patches())
             : engine::select_token(tokens, 0);
}

bool has_pooler(const engine::NamedTensors& file) {
  return std::ranges::any_of(file, [](const auto& t) { return t.first.ends_with("pooler.dense.weight"); });
}

/// A file's one table of relative positions for all blocks has the gradients of all of theirs.
void share_gradients(const engine::NamedTensors& file, engine::NamedTensors& gradients) {
  if (std::ranges::none_of(file, [](const auto& t) {
        return t.first.ends_with("encoder.relative_position_bias.relative_position_bias_table");
      }))
    return;
  Tensor sum;
  for (const auto& [name, gradient] : gradients)
    if (name.ends_with("relative_position_bias_table"))
      sum = sum.defined() ? engine::add(sum, gradient) : gradient;
  for (auto& [name, gradient] : gradients)
    if (name.ends_with("relative_position_bias_table")) gradient = sum;
}

TEST_P(Computed, has_the_librarys_logits_and_features) {
  const engine::NoGrad evaluation;
  const Tensor images = golden->read(images_name());
  if (golden->contains("logits")) {
    const Tensor logits = best(*golden, "logits");
    EXPECT_LT(largest_difference(loaded->model(images), logits), 1e-5 * largest(logits));
  }
  const auto pooled = features_of(*golden, "", has_pooler(checkpoint), loaded->model.config());
  ASSERT_TRUE(pooled || golden->contains("logits"));
  const double tolerance = golden->contains("logits") && !is_npz() ? 1e-4 : 1e-5;
  if (pooled && !golden->contains("cls_logits")) {  // of two heads the library has what one reads
    EXPECT_LT(largest_difference(loaded->model.features(images), *pooled), tolerance * largest(*pooled));
  }
}

TEST_P(Computed, has_the_librarys_pixels) {
  for (const auto& [file, tensor] : {std::pair{"pictures/0.png", "pixel_values"},
                                     std::pair{"pictures/large.png", "pixel_values_large_pil"}}) {
    if (!golden->contains(tensor) || !loaded->stored_preprocessing) continue;
    const data::Image image = data::read_image(folder / file);
    const Tensor pixels = data::to_tensor(image, loaded->preprocessing);
    Tensor expected = golden->read(tensor);
    if (expected.shape()[0] == 2) expected = expected.slice(0, 1);
    EXPECT_LT(largest_difference(pixels, expected), 1e-5) << file;
  }
}

TEST_P(Computed, has_the_librarys_gradients) {
  if (!golden->contains("grad_norms")) GTEST_SKIP() << "the case has no gradients";
  const auto& metadata = golden->metadata();
  const engine::Json labels = engine::parse_json(metadata.at("labels"), "labels");
  const engine::Json names =
      engine::parse_json(metadata.at(metadata.contains("parameters") ? "parameters" : "grad_names"), "names");
  models::Vit& model = loaded->model;
  const Tensor targets = engine::one_hot(labels.get<std::vector<Index>>(), model.config().classes);
  for (const auto& p : engine::parameters(model)) p.parameter.train(engine::Selection::all());
  engine::backward(engine::cross_entropy(model(golden->read(images_name())), targets));
  engine::NamedTensors gradients;
  for (const auto& p : engine::parameters(model)) gradients.emplace_back(p.name, p.parameter.grad());
  share_gradients(checkpoint, gradients);
  // Under the names of the file, as it packs them.
  const engine::NamedTensors found = is_npz() ? in_the_layout_of(engine::Npz(model_of(GetParam())), gradients)
                                              : models::to_names_of(gradients, checkpoint);
  const std::map<std::string, Tensor> by_name(found.begin(), found.end());
  const auto norms = support::doubles(golden->read("grad_norms"));
  const double most = *std::ranges::max_element(norms);
  Index compared = 0;
  for (std::size_t i = 0; i < norms.size(); ++i) {
    const std::string name = names.at(i).get<std::string>();
    const auto at = by_name.find(name);
    if (norms[i] == 0) continue;  // not reached by the loss
    ASSERT_NE(at, by_name.end()) << name;
    double squares = 0;
    for (const double x : support::doubles(at->second)) squares += x * x;
    // The bias of keys has no influence: its gradient is rounding.
    EXPECT_NEAR(std::sqrt(squares), norms[i], std::max(1e-4 * norms[i], 1e-7 * most)) << name;
    ++compared;
    if (!golden->contains("grad." + name)) continue;
    const Tensor whole = golden->read("grad." + name);
    EXPECT_LT(largest_difference(at->second, whole), 1e-4 * largest(whole)) << name;
  }
  EXPECT_GT(compared, 10);
}

TEST_P(Computed, has_the_librarys_logits_for_images_of_other_sizes) {
  const engine::NoGrad evaluation;
  for (const std::string size : {"_other", "_wide"}) {
    const bool has_logits = golden->contains("logits" + size);
    if (!has_logits && (golden->contains("logits") || !golden->contains("pooled" + size))) continue;
    const std::string held = images_name() + size;
    const Tensor images = pixels_of(*golden, *loaded, folder, held, "pictures" + size);
    LoadedModel at_size = load(GetParam());
    models::resize(at_size.model, images.shape()[2], images.shape()[3]);
    const Tensor expected = has_logits
                                ? best(*golden, "logits" + size)
                                : *features_of(*golden, size, has_pooler(checkpoint), at_size.model.config());
    const Tensor found = has_logits ? at_size.model(images) : at_size.model.features(images);
    EXPECT_LT(largest_difference(found, expected), 1e-5 * largest(expected)) << size;
  }
  if (is_npz()) {
    const Tensor pooled = best(*golden, "pooled_other");
    const Tensor images = pixels_of(*golden, *loaded, folder, "", "pictures_other");
    models::resize(loaded->model, images.shape()[2], images.shape()[3]);
    EXPECT_LT(largest_difference(loaded->model.features(images), pooled), 1e-5 * largest(pooled));
  }
}

std::string case_name(const ::testing::TestParamInfo<const char*>& c) {
  std::string name = c.param;
  std::ranges::replace(name, '/', '_');
  return name;
}

const char* const kComputed[] = {"timm/aimv2",
                                 "timm/beit",
                                 "timm/beit3",
                                 "timm/beitv2",
                                 "timm/clip_huge",
                                 "timm/clip_laion",
                                 "timm/clip_openai",
                                 "timm/deit3",
                                 "timm/deit_distilled",
                                 "timm/dinov2",
                                 "timm/dinov2_giant",
                                 "timm/dinov2_giant_reg4",
                                 "timm/dinov2_reg4",
                                 "timm/dinov3",
                                 "timm/dinov3_7b",
                                 "timm/dinov3_plus",
                                 "timm/dinov3_plus_qkvb",
                                 "timm/dinov3_qkvb",
                                 "timm/eva02_base",
                                 "timm/eva02_clip",
                                 "timm/eva02_tiny",
                                 "timm/eva_giant",
                                 "timm/eva_giant_clip",
                                 "timm/eva_large",
                                 "timm/flexivit",
                                 "timm/ijepa",
                                 "timm/intern",
                                 "timm/lingbot",
                                 "timm/lingbot_giant",
                                 "timm/mae",
                                 "timm/pe_core",
                                 "timm/pe_core_gigantic",
                                 "timm/pe_lang",
                                 "timm/pe_lang_gigantic",
                                 "timm/pe_spatial",
                                 "timm/radio_v3",
                                 "timm/radio_v4",
                                 "timm/rope",
                                 "timm/rope_ape",
                                 "timm/rope_mixed",
                                 "timm/rope_mixed_ape",
                                 "timm/rope_reg1_gap",
                                 "timm/rope_reg1_gap_mediumd",
                                 "timm/sbb_gap",
                                 "timm/sbb_reg4_gap",
                                 "timm/siglip",
                                 "timm/siglip2",
                                 "timm/siglip2_tanh",
                                 "timm/siglip_gap",
                                 "timm/siglip_gap_tanh",
                                 "timm/siglip_so400m",
                                 "timm/so150m2_reg1_gap",
                                 "timm/so150m_reg4_gap",
                                 "timm/test_vit",
                                 "timm/vit",
                                 "timm/vit_head64",
                                 "timm/vit_huge",
                                 "timm/vit_miil",
                                 "hf/beit",
                                 "hf/beit_old_index",
                                 "hf/beit_shared",
                                 "hf/beit_token_abs",
                                 "hf/clip",
                                 "hf/clip_classifier",
                                 "hf/clip_gelu",
                                 "hf/clip_old_ids",
                                 "hf/clip_processor",
                                 "hf/clip_vision",
                                 "hf/clip_vision_projection",
                                 "hf/clip_vision_v457",
                                 "hf/data2vec_vision",
                                 "hf/deit",
                                 "hf/deit_teacher",
                                 "hf/dinov2",
                                 "hf/dinov2_model",
                                 "hf/dinov2_reg",
                                 "hf/dinov2_reg_model",
                                 "hf/dinov2_swiglu",
                                 "hf/dinov3",
                                 "hf/dinov3_gated",
                                 "hf/dinov3_no_bias",
                                 "hf/ijepa",
                                 "hf/ijepa_model",
                                 "hf/siglip",
                                 "hf/siglip_classifier",
                                 "hf/siglip_processor",
                                 "hf/siglip_vision",
                                 "hf/siglip_vision_no_head",
                                 "hf/siglip_vision_v457",
                                 "hf/vit_mae",
                                 "hf/vit_mae_v457",
                                 "hf/vit_model",
                                 "hf/vit_model_no_pooler",
                                 "hf/vit",
                                 "hf/vit_bf16",
                                 "hf/vit_sharded",
                                 "hf/vit_v5_names",
                                 "hf/vit_no_qkv_bias",
                                 "hf/vit_imagenet_eps6",
                                 "hf/vit_deit_processor",
                                 "hf/vit_deit_old_processor",
                                 "hf/vit_clip_old_processor",
                                 "hf/vit_gelu_tanh",
                                 "openclip/avg_ln_after_pool",
                                 "openclip/clip",
                                 "openclip/clip_quickgelu",
                                 "openclip/custom_text",
                                 "openclip/siglip_trunk",
                                 "torchvision/vit_head64",
                                 "torchvision/vit_heads_told",
                                 "npz/augreg",
                                 "npz/augreg_deflated",
                                 "npz/target_prefix",
                                 "npz/no_head",
                                 "npz/pre_logits",
                                 "npz/big_vision",
                                 "npz/big_vision_stacked"};
INSTANTIATE_TEST_SUITE_P(, Computed, ::testing::ValuesIn(kComputed), case_name);

class Wide : public Golden {};

TEST_P(Wide, images_have_the_librarys_pixels_and_logits) {
  const std::filesystem::path folder = case_folder(GetParam());
  const Safetensors golden(folder / "golden.safetensors");
  const Tensor images = golden.read("images_wide"), logits = best(golden, "logits_wide");
  ModelSource source;
  source.model = folder, source.threads = 1;
  source.image_size = {images.shape()[2], images.shape()[3]};
  ASSERT_FALSE(source.image_size.is_single());
  LoadedModel loaded = load_model(source);
  const engine::NoGrad evaluation;
  for (const Index i : {0, 1}) {
    const auto file = folder / ("pictures_wide/" + std::to_string(i) + ".png");
    const Tensor pixels = data::to_tensor(data::read_image(file), loaded.preprocessing);
    EXPECT_LT(largest_difference(pixels, images.slice(i, i + 1)), 1e-6);
    EXPECT_LT(largest_difference(loaded.model(pixels), logits.slice(i, i + 1)), 1e-5 * largest(logits));
  }
}

INSTANTIATE_TEST_SUITE_P(, Wide,
                         ::testing::Values("timm/beit", "timm/clip_openai", "timm/deit3", "timm/dinov2",
                                           "timm/dinov2_reg4", "timm/dinov3", "timm/eva02_tiny",
                                           "timm/flexivit", "timm/pe_core", "timm/rope", "timm/rope_mixed",
                                           "timm/siglip", "timm/vit"),
                         case_name);

class Refused : public Golden {};

TEST_P(Refused, by_a_word_on_what_is_not_computed) {
  const std::string error = support::error_of([] { load(GetParam()); });
  EXPECT_THAT(error, HasSubstr(case_folder(GetParam()).string()));
  EXPECT_THAT(error, ::testing::AnyOf(HasSubstr("not implemented"), HasSubstr("not compute"),
                                      HasSubstr("is computed"), HasSubstr("is not known"),
                                      HasSubstr("number of heads"), HasSubstr("is not done")));
}

INSTANTIATE_TEST_SUITE_P(, Refused,
                         ::testing::Values("timm/rpn", "timm/pwee", "timm/dwee", "timm/dpwee",
                                           "timm/eva02_enormous", "timm/sapiens2", "timm/sapiens2_large",
                                           "hf/siglip2_naflex", "torchvision/vit_heads_not_told"),
                         case_name);

}  // namespace
}  // namespace training
