// Checkpoints as timm, transformers, torchvision and Google write them, with what these libraries compute.

#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/codecs/decode.h"
#include "engine/autograd/backward.h"
#include "engine/autograd/record.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "engine/io/sharded_safetensors.h"
#include "engine/nn/roles.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/loss.h"
#include "engine/ops/rearrange.h"
#include "engine/tensor/random.h"
#include "models/names.h"
#include "models/npz_names.h"
#include "models/positions.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/compare.h"
#include "tests/support/paths.h"
#include "tests/support/zip_bytes.h"
#include "tools/training/pretrained/merged_file.h"
#include "tools/training/pretrained/model_path.h"
#include "tools/training/pretrained/model_source.h"
#include "tools/training/pretrained/weights.h"

namespace training {
namespace {

using engine::Index;
using engine::Safetensors;
using engine::Tensor;
using ::testing::HasSubstr;

std::filesystem::path case_folder(const std::string& name) {
  return support::shared_dir() / "golden/backbones" / name;
}

/// What --model takes of a case: its folder, or the one file of Google's.
std::filesystem::path model_of(const std::string& name) {
  const std::filesystem::path npz = case_folder(name) / "model.npz";
  return std::filesystem::exists(npz) ? npz : case_folder(name);
}

LoadedModel load(const std::string& name) {
  ModelSource source;
  source.model = model_of(name);
  source.threads = 1;
  return load_model(source);
}

double largest(const Tensor& t) {
  double most = 0;
  for (const double x : support::doubles(t)) most = std::max(most, std::abs(x));
  return most;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  const auto x = support::doubles(a), y = support::doubles(b);
  double most = x.size() == y.size() ? 0 : 1e300;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) most = std::max(most, std::abs(x[i] - y[i]));
  return most;
}

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

class Golden : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(case_folder(GetParam())))
      GTEST_SKIP() << "needs " << case_folder(GetParam());
  }
};

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

/// The names and values of a checkpoint in safetensors.
engine::NamedTensors read_all(const std::filesystem::path& folder) {
  const engine::ShardedSafetensors weights(find_model(folder).weights);
  engine::NamedTensors all;
  for (const Safetensors& shard : weights.files())
    for (const std::string& name : shard.names()) all.emplace_back(name, shard.read(name));
  return all;
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

/// What a checkpoint's own library computes, to the tolerances of f32.
class Computed : public Golden {
 protected:
  void SetUp() override {
    Golden::SetUp();
    if (IsSkipped()) return;
    golden.emplace(folder / "golden.safetensors");
    loaded.emplace(load(GetParam()));
    if (!is_npz()) checkpoint = read_all(folder);
  }
  bool is_npz() const { return model_of(GetParam()) != folder; }
  std::string images_name() const { return golden->contains("images") ? "images" : "pixel_values"; }

  std::filesystem::path folder = case_folder(GetParam());
  std::optional<Safetensors> golden;
  std::optional<LoadedModel> loaded;
  engine::NamedTensors checkpoint;  ///< the checkpoint's, but of a .npz none: it is never written
};

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

TEST_P(Computed, comes_back_under_the_names_of_the_file) {
  if (is_npz()) GTEST_SKIP() << "a .npz is never written";
  const engine::NamedTensors timm =
      models::read_names(checkpoint, true, models::facts_of(loaded->model.config())).tensors;
  const engine::NamedTensors back = models::to_names_of(timm, checkpoint);
  ASSERT_EQ(back.size(), checkpoint.size());
  for (std::size_t i = 0; i < checkpoint.size(); ++i) {
    EXPECT_EQ(back[i].first, checkpoint[i].first);
    EXPECT_TRUE(support::same_bits(back[i].second, checkpoint[i].second)) << checkpoint[i].first;
  }
}

TEST_P(Computed, reads_every_tensor_that_is_written_back) {
  // Zeros in the place of all that the model has: only what no classifier reads may be left as it was.
  if (is_npz()) GTEST_SKIP() << "a .npz is never written";
  engine::NamedTensors zeros;
  for (const auto& [name, tensor] : engine::state(loaded->model))
    if (loaded->has_head || !engine::in_head(name))
      zeros.emplace_back(name, Tensor::zeros(tensor.shape(), tensor.dtype()));
  const engine::NamedTensors back = models::to_names_of(zeros, checkpoint);
  const auto left_out =
      models::read_names(checkpoint, true, models::facts_of(loaded->model.config())).left_out;
  for (const auto& [name, tensor] : back) {
    const bool unread =
        name.find("pooler.dense.") != name.npos ||
        std::ranges::any_of(left_out, [&](const std::string& part) { return name.find(part) != name.npos; });
    EXPECT_TRUE(unread || largest(tensor) == 0) << name;
  }
  EXPECT_EQ(back.size(), checkpoint.size());
}

/// Shapes and types of a checkpoint's tensors, as names.tsv of its dialect lists them; those it does not list
/// (timm's, and the whole numbers of old files) as the file has them.
std::map<std::string, std::pair<engine::Shape, std::string>> listed(const std::string& name,
                                                                    const engine::NamedTensors& checkpoint) {
  const std::filesystem::path list = case_folder(name).parent_path() / "names.tsv";
  const bool is_list = std::filesystem::exists(list);
  std::map<std::string, std::pair<engine::Shape, std::string>> all;
  for (const auto& [tensor_name, tensor] : checkpoint) {
    const bool whole_numbers = tensor.dtype() == engine::Dtype::i64;
    if (!is_list || whole_numbers) all[tensor_name] = {tensor.shape(), whole_numbers ? "int64" : "float32"};
  }
  if (!is_list) return all;
  std::istringstream lines(engine::read_file(list, 1 << 24));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    std::string of, tensor_name, sizes, dtype;
    for (std::string* cell : {&of, &tensor_name, &sizes, &dtype}) std::getline(cells, *cell, '\t');
    if (of != name && "hf/" + of != name) continue;
    std::vector<Index> dims;
    std::istringstream axes(sizes);
    for (std::string axis; std::getline(axes, axis, 'x');) dims.push_back(std::stoll(axis));
    all[tensor_name] = {engine::Shape(dims), dtype};
  }
  return all;
}

/// Of a head that classifies images. SigLIP has others of that name: its pooling, and in the tower of texts.
bool in_classifier(const std::string& name) {
  for (const std::string end : {".weight", ".bias"}) {
    if (!name.ends_with(end) || name.starts_with("text_model.")) continue;
    const std::string module = name.substr(0, name.size() - end.size());
    const std::string last = module.substr(module.rfind('.') + 1);
    return last == "head" || last == "head_dist" || last.ends_with("classifier");
  }
  return false;
}

TEST_P(Computed, merged_with_another_head_has_the_names_of_its_list_and_stands_alone) {
  constexpr Index kClasses = 3;
  new_head(*loaded, kClasses, "trunc-normal", 1);
  loaded->classes = {"a", "b", "c"};
  engine::Random random(1, engine::Random::Use::test);
  for (const auto& p : engine::parameters(loaded->model)) {
    // One table of relative positions for all blocks can hold what is equal in them.
    if (p.name.ends_with("relative_position_bias_table")) continue;
    Tensor value = p.parameter.value();
    std::memcpy(value.raw(), engine::add(value, engine::normal(value.shape(), random, 0.01)).raw(),
                value.bytes());
  }
  const engine::TemporaryFolder alone;
  const std::string file = alone / "merged.safetensors";
  write_merged(file, *loaded, engine::state(loaded->model), model_of(GetParam()));

  const Safetensors merged(file);
  const auto expected = is_npz() ? listed("", engine::state(loaded->model)) : listed(GetParam(), checkpoint);
  ASSERT_GT(expected.size(), 10u);
  for (const auto& [name, tensor] : expected) {
    std::vector<Index> dims = tensor.first.dims();
    if (in_classifier(name)) dims[0] = kClasses;
    ASSERT_TRUE(merged.contains(name)) << name;
    EXPECT_EQ(merged.entry(name).shape(), engine::Shape(dims)) << name;
    EXPECT_EQ(merged.entry(name).dtype, tensor.second == "int64" ? "I64" : "F32") << name;
  }
  // A head of its own has the tower of a library that has none.
  std::vector<std::string> added;
  for (const std::string& name : merged.names())
    if (!expected.contains(name)) added.push_back(name);
  const bool had_head = std::ranges::any_of(expected, [](const auto& t) { return in_classifier(t.first); });
  EXPECT_EQ(added.size(), had_head ? 0u : 2u);
  for (const std::string& name : added) EXPECT_TRUE(in_classifier(name)) << name;

  ModelSource source;
  source.model = file;
  source.threads = 1;
  LoadedModel again = load_model(source);
  EXPECT_EQ(again.classes, loaded->classes);
  EXPECT_EQ(again.preprocessing, loaded->preprocessing);
  const engine::NoGrad evaluation;
  const Tensor images = golden->read(images_name());
  EXPECT_TRUE(support::same_bits(again.model(images), loaded->model(images)));
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
