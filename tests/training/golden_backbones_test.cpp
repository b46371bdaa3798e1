// Checkpoints as timm, transformers and torchvision write them, with what these libraries compute.

#include <gmock/gmock.h>

#include "data/codecs/decode.h"
#include "engine/autograd/record.h"
#include "engine/io/safetensors.h"
#include "tests/support/compare.h"
#include "tests/support/paths.h"
#include "tools/training/pretrained/model_source.h"

namespace training {
namespace {

using engine::Safetensors;
using engine::Tensor;
using ::testing::HasSubstr;

std::filesystem::path case_folder(const std::string& name) {
  return support::shared_dir() / "golden/backbones" / name;
}

LoadedModel load(const std::string& name) {
  ModelSource source;
  source.model = case_folder(name);
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

class Golden : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(case_folder(GetParam())))
      GTEST_SKIP() << "needs " << case_folder(GetParam());
  }
};

class Computed : public Golden {};

TEST_P(Computed, has_the_librarys_logits_and_pixels) {
  const Safetensors golden(case_folder(GetParam()) / "golden.safetensors");
  LoadedModel loaded = load(GetParam());
  const engine::NoGrad evaluation;
  const Tensor images = golden.read(golden.contains("images") ? "images" : "pixel_values");
  const Tensor logits = golden.read("logits");
  EXPECT_LT(largest_difference(loaded.model(images), logits), 5e-6 * largest(logits));
  for (const auto& [file, tensor] : {std::pair{"pictures/0.png", "pixel_values"},
                                     std::pair{"pictures/large.png", "pixel_values_large_pil"}}) {
    if (!golden.contains(tensor) || !loaded.stored_preprocessing) continue;
    const data::Image image = data::read_image(case_folder(GetParam()) / file);
    const Tensor pixels = data::to_tensor(image, loaded.preprocessing);
    Tensor expected = golden.read(tensor);
    if (expected.shape()[0] == 2) expected = expected.slice(0, 1);
    EXPECT_LT(largest_difference(pixels, expected), 1e-5) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(, Computed,
                         ::testing::Values("timm/vit", "timm/vit_huge", "timm/vit_miil", "timm/vit_head64",
                                           "timm/mae", "timm/test_vit", "hf/vit", "hf/vit_bf16",
                                           "hf/vit_sharded", "hf/vit_v5_names", "hf/vit_no_qkv_bias",
                                           "hf/vit_imagenet_eps6", "hf/vit_deit_processor",
                                           "hf/vit_deit_old_processor", "hf/vit_clip_old_processor",
                                           "torchvision/vit_head64", "torchvision/vit_heads_told"));

class Refused : public Golden {};

TEST_P(Refused, by_a_word_on_what_is_not_computed) {
  const std::string error = support::error_of([] { load(GetParam()); });
  EXPECT_THAT(error, HasSubstr(case_folder(GetParam()).string()));
  EXPECT_THAT(error,
              ::testing::AnyOf(HasSubstr("not compute"), HasSubstr("is computed"), HasSubstr("is not known"),
                               HasSubstr("number of heads"), HasSubstr("is not done")));
}

INSTANTIATE_TEST_SUITE_P(, Refused,
                         ::testing::Values("timm/deit3", "timm/dinov2", "timm/clip_openai", "timm/siglip",
                                           "timm/beit", "timm/dinov3", "timm/sbb_gap", "timm/aimv2",
                                           "hf/vit_gelu_tanh", "hf/beit", "hf/clip", "hf/siglip", "hf/dinov2",
                                           "hf/dinov3", "hf/deit", "hf/ijepa", "hf/data2vec_vision",
                                           "torchvision/vit_heads_not_told"));

}  // namespace
}  // namespace training
