#include "models/npz_names.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "tests/engine/io/temporary_folder.h"
#include "tests/support/compare.h"
#include "tests/support/zip_bytes.h"

namespace {

using engine::Index;
using engine::NamedTensors;
using engine::Npz;
using engine::Shape;
using engine::Tensor;
using models::NpzModel;
using support::ZipPart;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Index kPatch = 2, kWidth = 6, kHeads = 3, kHidden = 5, kClasses = 4, kBlocks = 2;

/// The number that stands at a place of an array: all differ.
float value_at(std::size_t array, std::size_t place) {
  return static_cast<float>(array * 1000 + place);
}

/// Arrays by name, each with numbers of its own.
struct File {
  std::vector<std::pair<std::string, Shape>> arrays;
  std::string type = "<f4";

  void add(const std::string& name, const Shape& shape) { arrays.emplace_back(name, shape); }
  void remove(const std::string& name) {
    std::erase_if(arrays, [&](const auto& array) { return array.first == name; });
  }
  Shape& shape(const std::string& name) {
    return std::ranges::find(arrays, name, &std::pair<std::string, Shape>::first)->second;
  }
  float value(const std::string& name, std::size_t place) const {
    const auto found = std::ranges::find(arrays, name, &std::pair<std::string, Shape>::first);
    return value_at(static_cast<std::size_t>(found - arrays.begin()), place);
  }

  std::string bytes() const {
    std::vector<ZipPart> parts;
    for (std::size_t i = 0; i < arrays.size(); ++i) {
      const auto& [name, shape] = arrays[i];
      std::string text = "(", values;
      for (const Index length : shape.dims()) text += std::to_string(length) + ",";
      for (std::size_t place = 0; place < static_cast<std::size_t>(shape.numel()); ++place) {
        const float value = value_at(i, place);
        values.append(reinterpret_cast<const char*>(&value), sizeof value);
        if (type == "<i8") values.append(4, '\0');
      }
      parts.push_back(
          {.name = name + ".npy", .content = support::npy_of(support::dictionary(type, text + ")"), values)});
    }
    return support::zip_of(parts);
  }
  NpzModel read(bool with_head = true) const {
    const engine::TemporaryFolder folder;
    return models::read_npz_model(Npz(engine::put(folder / "vit.npz", bytes())), with_head);
  }
  std::string error() const {
    const std::string error = support::error_of([&] { read(); });
    EXPECT_THAT(error, HasSubstr("/vit.npz: "));
    return error;
  }
};

void add_block(File& file, const std::string& block, bool by_kind, std::vector<Index> before = {}) {
  const auto add = [&](const std::string& name, std::vector<Index> dims) {
    dims.insert(dims.begin(), before.begin(), before.end());
    file.add(block + name, Shape(dims));
  };
  const std::string attention =
                        by_kind ? "MultiHeadDotProductAttention_0/" : "MultiHeadDotProductAttention_1/",
                    mlp = by_kind ? "MlpBlock_0/" : "MlpBlock_3/";
  for (const std::string norm : {"LayerNorm_0/", by_kind ? "LayerNorm_1/" : "LayerNorm_2/"})
    add(norm + "scale", {kWidth}), add(norm + "bias", {kWidth});
  for (const std::string third : {"query", "key", "value"}) {
    add(attention + third + "/kernel", {kWidth, kHeads, kWidth / kHeads});
    add(attention + third + "/bias", {kHeads, kWidth / kHeads});
  }
  add(attention + "out/kernel", {kHeads, kWidth / kHeads, kWidth});
  add(attention + "out/bias", {kWidth});
  add(mlp + "Dense_0/kernel", {kWidth, kHidden}), add(mlp + "Dense_0/bias", {kHidden});
  add(mlp + "Dense_1/kernel", {kHidden, kWidth}), add(mlp + "Dense_1/bias", {kWidth});
}

File small_vit(const std::string& prefix = "", bool by_kind = false, bool stacked = false) {
  File file;
  file.add(prefix + "embedding/kernel", {kPatch, kPatch, 3, kWidth});
  file.add(prefix + "embedding/bias", {kWidth});
  file.add(prefix + "cls", {1, 1, kWidth});
  file.add(prefix + (by_kind ? "pos_embedding" : "Transformer/posembed_input/pos_embedding"), {1, 5, kWidth});
  const std::string block = prefix + "Transformer/encoderblock";
  if (stacked)
    add_block(file, block + "/", by_kind, {kBlocks});
  else
    for (Index i = 0; i < kBlocks; ++i) add_block(file, block + "_" + std::to_string(i) + "/", by_kind);
  for (const std::string end : {"Transformer/encoder_norm/scale", "Transformer/encoder_norm/bias"})
    file.add(prefix + end, {kWidth});
  file.add(prefix + "head/kernel", {kWidth, kClasses});
  file.add(prefix + "head/bias", {kClasses});
  return file;
}

float at(const NpzModel& model, const std::string& name, const std::vector<Index>& place) {
  for (const auto& [timm, tensor] : model.tensors) {
    if (timm != name) continue;
    EXPECT_EQ(static_cast<std::size_t>(tensor.shape().rank()), place.size()) << name << tensor.shape();
    Index flat = 0;
    for (std::size_t i = 0; i < place.size(); ++i) flat = flat * tensor.shape().dims()[i] + place[i];
    return tensor.data<float>()[static_cast<std::size_t>(flat)];
  }
  ADD_FAILURE() << "there is no " << name;
  return -1;
}

TEST(read_npz_model, turns_every_kernel_round) {
  const File file = small_vit();
  const NpzModel model = file.read();
  EXPECT_EQ(at(model, "patch_embed.proj.weight", {4, 2, 1, 0}),
            file.value("embedding/kernel", ((1 * kPatch + 0) * 3 + 2) * kWidth + 4));
  EXPECT_EQ(at(model, "head.weight", {3, 5}), file.value("head/kernel", 5 * kClasses + 3));
  EXPECT_EQ(at(model, "pos_embed", {0, 4, 1}),
            file.value("Transformer/posembed_input/pos_embedding", 4 * kWidth + 1));
  const std::string block = "Transformer/encoderblock_1/";
  // Head 2's feature 1 of the keys for the input 3: [D, heads, d] to [heads d, D], below the queries.
  EXPECT_EQ(at(model, "blocks.1.attn.qkv.weight", {kWidth + 2 * 2 + 1, 3}),
            file.value(block + "MultiHeadDotProductAttention_1/key/kernel", (3 * kHeads + 2) * 2 + 1));
  EXPECT_EQ(at(model, "blocks.1.attn.qkv.bias", {2 * kWidth + 3}),
            file.value(block + "MultiHeadDotProductAttention_1/value/bias", 3));
  EXPECT_EQ(at(model, "blocks.1.attn.proj.weight", {5, 2 * 2 + 1}),
            file.value(block + "MultiHeadDotProductAttention_1/out/kernel", (2 * 2 + 1) * kWidth + 5));
  EXPECT_EQ(at(model, "blocks.1.mlp.fc1.weight", {4, 5}),
            file.value(block + "MlpBlock_3/Dense_0/kernel", 5 * kHidden + 4));
  EXPECT_EQ(at(model, "blocks.1.norm2.bias", {3}), file.value(block + "LayerNorm_2/bias", 3));
  EXPECT_EQ(model.tensors.size(), 4u + kBlocks * 12u + 4u);
  EXPECT_EQ(model.facts.heads, kHeads);
  EXPECT_EQ(model.facts.norm_eps, 1e-6);
  EXPECT_EQ(model.facts.resampling, models::Resampling::bilinear);
}

TEST(read_npz_model, takes_blocks_from_a_first_axis) {
  const File file = small_vit("params/", true, true);
  const NpzModel model = file.read();
  const std::string block = "params/Transformer/encoderblock/";
  EXPECT_EQ(at(model, "blocks.1.norm2.weight", {2}), file.value(block + "LayerNorm_1/scale", kWidth + 2));
  EXPECT_EQ(at(model, "blocks.1.mlp.fc2.weight", {5, 4}),
            file.value(block + "MlpBlock_0/Dense_1/kernel", (kHidden + 4) * kWidth + 5));
  EXPECT_EQ(
      at(model, "blocks.1.attn.qkv.weight", {2 * 2 + 1, 3}),
      file.value(block + "MultiHeadDotProductAttention_0/query/kernel", ((kWidth + 3) * kHeads + 2) * 2 + 1));
  EXPECT_EQ(model.tensors.size(), small_vit().read().tensors.size());
  EXPECT_EQ(model.facts.heads, kHeads);
}

TEST(read_npz_model, leaves_out_what_stands_beside_the_model) {
  File file = small_vit("opt/target/");
  file.add("opt/state/step", {});
  file.add("opt/state/param_states/cls/grad_ema", {1, 1, kWidth});
  file.add("opt/target/pre_logits/kernel", {kWidth, kWidth});
  const NpzModel model = file.read();
  EXPECT_THAT(model.left_out, ElementsAre("opt/state"));
  EXPECT_TRUE(model.pre_logits);
  EXPECT_EQ(model.tensors.size(), small_vit().read().tensors.size());
  const NpzModel headless = file.read(false);
  EXPECT_EQ(headless.tensors.size(), model.tensors.size() - 2);
  EXPECT_FALSE(headless.pre_logits);
}

TEST(read_npz_model, refuses_other_models_by_the_name_of_what_they_have) {
  File file = small_vit("params/", true);
  file.add("params/MAPHead_0/probe", {1, 1, kWidth});
  EXPECT_THAT(file.error(), AllOf(HasSubstr("'params/MAPHead_0/probe'"), HasSubstr("map head")));
  file = small_vit();
  file.add("conv_root/kernel", {7, 7, 3, 8});
  EXPECT_THAT(file.error(), HasSubstr("'conv_root/kernel' belongs to a ResNet"));
  for (const char* name :
       {"extra", "Transformer/encoderblock_x/LayerNorm_0/bias", "Transformer/encoderblock_0",
        "Transformer/encoderblock_0/LayerNorm_3/bias", "Transformer/encoderblock"}) {
    file = small_vit();
    file.add(name, {kWidth});
    EXPECT_THAT(file.error(), HasSubstr("'" + std::string(name) + "' is no part of a ViT")) << name;
  }
  EXPECT_THAT(small_vit("params/img/").error(), HasSubstr("'params/img/embedding/kernel'"));
  file = small_vit();
  file.remove("embedding/kernel");
  EXPECT_THAT(file.error(), HasSubstr("of no ViT of Google's"));
}

TEST(read_npz_model, refuses_arrays_that_do_not_fit) {
  const std::string attention = "Transformer/encoderblock_1/MultiHeadDotProductAttention_1/";
  File file = small_vit();
  file.shape("head/kernel") = {kWidth, kClasses, 1};
  EXPECT_THAT(file.error(), HasSubstr("'head/kernel' should have 2 axes"));
  file = small_vit();
  file.shape(attention + "key/kernel") = {kWidth, 2, 3};
  EXPECT_THAT(file.error(), HasSubstr("has 2 heads, but others have 3"));
  file = small_vit();
  file.remove(attention + "key/bias");
  EXPECT_THAT(file.error(), HasSubstr("blocks.1.attn.qkv.bias needs query, key and value"));
  file = small_vit();
  file.add("pos_embedding", {1, 5, kWidth});
  EXPECT_THAT(file.error(), HasSubstr("two arrays are 'pos_embed'"));
  file = small_vit();
  file.shape("cls") = {1, 0, kWidth};
  EXPECT_THAT(file.error(), HasSubstr("'cls' should have 3 axes and values"));
  file = small_vit();
  file.type = "<i8";
  EXPECT_THAT(file.error(), HasSubstr("holds whole numbers"));
  file = small_vit("params/", true, true);
  file.shape("params/Transformer/encoderblock/LayerNorm_0/scale") = {1001, kWidth};
  EXPECT_THAT(file.error(), HasSubstr("stacks 1001 blocks"));
}

}  // namespace
