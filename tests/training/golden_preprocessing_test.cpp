// How images are prepared by the files that transformers and OpenCLIP write and by torchvision's first
// weights, beside what these libraries make of the same images.

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "data/codecs/decode.h"
#include "engine/io/safetensors.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/compare.h"
#include "tests/support/paths.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/pretrained/preprocessing_files.h"

namespace training {
namespace {

namespace fs = std::filesystem;
using data::Preprocessing;
using engine::Safetensors;
using engine::Tensor;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

fs::path golden_folder() {
  return support::shared_dir() / "golden/backbones";
}

/// The cases of a library, each a folder.
std::vector<fs::path> cases_of(const char* library) {
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(golden_folder() / library))
    if (entry.is_directory()) all.push_back(entry.path());
  std::ranges::sort(all);
  return all;
}

/// How far the pixels of an image are from image `at` of a tensor [images, 3, height, width].
double distance(const fs::path& file, const Preprocessing& how, const Tensor& expected, Index at = 0) {
  const auto ours = support::doubles(data::to_tensor(data::read_image(file), how));
  const auto theirs = support::doubles(expected.slice(at, at + 1));
  double most = ours.size() == theirs.size() ? 0 : 1e300;
  for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i)
    most = std::max(most, std::abs(ours[i] - theirs[i]));
  return most;
}

constexpr double kRounding = 1e-5;  // of the f32 steps of the libraries; a level of a pixel is 4e-3 or more

/// Compares the two small images of a case.
void expect_small(const fs::path& folder, const Preprocessing& how) {
  const Tensor expected = Safetensors(folder / "golden.safetensors").read("pixel_values");
  for (const Index i : {0, 1}) {
    const fs::path file = folder / ("pictures/" + std::to_string(i) + ".png");
    EXPECT_LT(distance(file, how, expected, i), kRounding) << file;
  }
}

/// How far the large image is from that tensor.
double distance_of_large(const fs::path& folder, const Preprocessing& how, const char* tensor) {
  return distance(folder / "pictures/large.png", how,
                  Safetensors(folder / "golden.safetensors").read(tensor));
}

class GoldenPreprocessing : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(golden_folder())) GTEST_SKIP() << "needs " << golden_folder();
  }
};

TEST_F(GoldenPreprocessing, by_every_processor_of_hugging_face_is_that_of_its_pillow_backend) {
  int equal = 0;
  for (const fs::path& folder : cases_of("hf")) {
    SCOPED_TRACE(folder);
    const std::string name = folder.filename();
    if (name == "siglip2_naflex" || name.starts_with("dinov3")) continue;
    std::vector<std::string> notes;
    const auto how = read_preprocessing_files(folder, {}, notes);
    ASSERT_TRUE(how.has_value());
    EXPECT_THAT(notes, IsEmpty());
    expect_small(folder, *how);
    EXPECT_LT(distance_of_large(folder, *how, "pixel_values_large_pil"), kRounding);
    ++equal;
  }
  EXPECT_GE(equal, 40);
}

TEST_F(GoldenPreprocessing, by_the_processor_of_dinov3_is_within_a_level_which_is_noted) {
  for (const char* name : {"dinov3", "dinov3_gated", "dinov3_no_bias"}) {
    const fs::path folder = golden_folder() / "hf" / name;
    SCOPED_TRACE(folder);
    std::vector<std::string> notes;
    const auto how = read_preprocessing_files(folder, {}, notes);
    ASSERT_TRUE(how.has_value());
    EXPECT_THAT(notes, ElementsAre(AllOf(HasSubstr("DINOv3ViTImageProcessor"), HasSubstr("a level apart"))));
    const double level = 1.0 / 255 / *std::ranges::min_element(how->std);
    expect_small(folder, *how);
    const double large = distance_of_large(folder, *how, "pixel_values_large");
    EXPECT_LT(large, level + kRounding);
    EXPECT_GT(large, kRounding) << "otherwise there is nothing to note";
  }
}

TEST_F(GoldenPreprocessing, of_patches_of_any_shape_is_refused_by_name) {
  std::vector<std::string> notes;
  EXPECT_THAT(
      support::error_of([&] { read_preprocessing_files(golden_folder() / "hf/siglip2_naflex", {}, notes); }),
      AllOf(HasSubstr("preprocessor_config.json"), HasSubstr("Siglip2ImageProcessor")));
}

TEST_F(GoldenPreprocessing, by_open_clip_is_that_of_open_clip) {
  std::set<Preprocessing::Mode> modes;
  for (const fs::path& folder : cases_of("openclip")) {
    SCOPED_TRACE(folder);
    std::vector<std::string> notes;
    const auto how = read_preprocessing_files(folder, {}, notes);
    ASSERT_TRUE(how.has_value());
    EXPECT_THAT(notes, IsEmpty());
    modes.insert(how->mode);
    expect_small(folder, *how);
    EXPECT_LT(distance_of_large(folder, *how, "pixel_values_large_pil"), kRounding);
  }
  EXPECT_THAT(modes, ElementsAre(Preprocessing::Mode::squash, Preprocessing::Mode::crop));
}

TEST_F(GoldenPreprocessing, by_options_is_that_of_torchvisions_first_weights) {
  ModelSource source;
  source.resize = "crop", source.crop_pct = 0.875, source.interpolation = "bilinear";
  source.mean = "0.485,0.456,0.406", source.std = "0.229,0.224,0.225";
  for (const fs::path& folder : cases_of("torchvision")) {
    SCOPED_TRACE(folder);
    const Index size = Safetensors(folder / "golden.safetensors").read("pixel_values").shape()[2];
    const Preprocessing how = source.preprocessing(std::nullopt, size);
    EXPECT_LT(distance_of_large(folder, how, "pixel_values_large_pil"), kRounding);
    Preprocessing uncut = how;  // the small ones were only normalised
    uncut.crop_pct = 1;
    expect_small(folder, uncut);
  }
}

// Not among the golden cases.
TEST(OpenClipPreprocessing, is_read_with_open_clips_defaults) {
  const engine::TemporaryFolder folder;
  const auto read = [&](const std::string& cfg, const ModelSource& options = {}) {
    engine::put(folder / "open_clip_config.json",
                R"({"model_cfg": {"vision_cfg": {"image_size": [40, 40]}}, "preprocess_cfg": )" + cfg + "}");
    std::vector<std::string> notes;
    const auto how = read_preprocessing_files(folder.path(), options, notes);
    EXPECT_TRUE(how.has_value());
    return how.value_or(Preprocessing{});
  };
  const Preprocessing plain = read("{}");
  EXPECT_EQ(plain.size, 40);
  EXPECT_EQ(plain.mode, Preprocessing::Mode::crop);
  EXPECT_EQ(plain.crop_pct, 1);
  EXPECT_EQ(plain.filter, data::Filter::bicubic);
  EXPECT_EQ(plain.crop_start, Preprocessing::CropStart::half_even);
  EXPECT_FLOAT_EQ(plain.mean[0], 0.48145466f);
  EXPECT_FLOAT_EQ(plain.std[2], 0.27577711f);
  EXPECT_EQ(read(R"({"resize_mode": "longest"})").mode, Preprocessing::Mode::longest);
  EXPECT_EQ(read(R"({"interpolation": "bilinear", "fill_color": 0})").filter, data::Filter::bilinear);
  for (const char* wrong : {R"({"resize_mode": "widest"})", R"({"interpolation": "random"})",
                            R"({"fill_color": 255})", R"({"mode": "L"})", R"({"mean": [1]})", "[]"}) {
    EXPECT_THAT(support::error_of([&] { read(wrong); }), HasSubstr("open_clip_config.json: ")) << wrong;
  }
  ModelSource squash;
  squash.resize = "squash", squash.interpolation = "bicubic";
  EXPECT_NO_THROW(read(R"({"resize_mode": "widest", "interpolation": "random"})", squash));
}

TEST(OpenClipPreprocessing, comes_after_hugging_faces_of_which_the_whole_processors_comes_first) {
  const engine::TemporaryFolder folder;
  const auto size = [&] {
    std::vector<std::string> notes;
    const auto how = read_preprocessing_files(folder.path(), {}, notes);
    return how ? how->size : 0;
  };
  EXPECT_EQ(size(), 0);
  engine::put(folder / "open_clip_config.json", R"({"model_cfg": {}})");
  EXPECT_EQ(size(), 0) << "no preprocess_cfg";
  engine::put(folder / "open_clip_config.json", R"({"preprocess_cfg": {}})");
  EXPECT_EQ(size(), 224);
  engine::put(folder / "preprocessor_config.json",
              R"({"image_processor_type": "ViTImageProcessor", "size": 32})");
  EXPECT_EQ(size(), 32);
  engine::put(folder / "processor_config.json", R"({"processor_class": "CLIPProcessor"})");
  EXPECT_EQ(size(), 32);
  engine::put(folder / "processor_config.json",
              R"({"image_processor": {"image_processor_type": "ViTImageProcessor", "size": 48}})");
  EXPECT_EQ(size(), 48);
}

TEST(OpenClipPreprocessing, comes_back_from_the_metadata_of_a_delta) {
  const Preprocessing how{.size = 40, .mode = Preprocessing::Mode::longest, .crop_pct = 1};
  EXPECT_EQ(read_preprocessing(preprocessing_json(how), "delta"), how);
  const Preprocessing turned{.exif_rotate = true};
  EXPECT_EQ(read_preprocessing(preprocessing_json(turned), "delta"), turned);
  EXPECT_FALSE(data::cuts_out(how.mode));
}

}  // namespace
}  // namespace training
