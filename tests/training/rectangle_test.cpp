// Images that are not square, from the files beside a checkpoint to pixels and logits, beside what timm,
// transformers and OpenCLIP make of the same files (tests/golden/rectangles/make.py).

#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/autograd/record.h"
#include "tests/data/support.h"
#include "tests/support/compare.h"
#include "tests/support/paths.h"
#include "tests/training/small_checkpoint.h"
#include "tests/training/small_run.h"
#include "tools/training/memory_estimate.h"
#include "tools/training/pretrained/at_image_size.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/pretrained/model_config.h"

namespace training {
namespace {

namespace fs = std::filesystem;
using data::ImageSize;
using data::Preprocessing;
using engine::Index;
using engine::Json;
using engine::Metadata;
using engine::put;
using engine::Safetensors;
using engine::TemporaryFolder;
using engine::Tensor;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Seeds and sizes as in make.py.
const std::vector<data::Image>& source_images() {
  static const std::vector<data::Image> all = {
      data::noise("noise", 1, 60, 41), data::noise("noise", 2, 41, 90), data::noise("noise", 3, 64, 16),
      data::noise("noise", 4, 33, 200), data::noise("noise", 5, 20, 9)};
  return all;
}

TEST(RectanglePixels, are_those_of_timm_transformers_and_open_clip) {
  const Json rows = engine::read_json(support::golden("rectangles/pixels.json"));
  std::set<std::pair<std::string, Preprocessing::Mode>> modes;
  for (const Json& row : rows) {
    SCOPED_TRACE(row.dump());
    const TemporaryFolder folder;
    put(folder / row["file"].get<std::string>(), row["config"].dump());
    const ModelConfig config = read_model_config(folder.path(), {}, "model");
    ASSERT_TRUE(config.preprocessing.has_value());
    EXPECT_FALSE(config.preprocessing->size.is_single());
    modes.emplace(row["file"], config.preprocessing->mode);
    for (std::size_t i = 0; i < source_images().size(); ++i) {
      const data::Image made = data::fit(source_images()[i], *config.preprocessing);
      EXPECT_EQ((ImageSize{made.height, made.width}), config.preprocessing->size);
      EXPECT_EQ(data::crc32_of(made), row["crc32"][i].get<std::uint32_t>()) << "image " << i;
    }
  }
  EXPECT_EQ(modes.size(), 3u + 3u + 3u) << "ways to prepare images";
}

/// A copy of a folder of tests/golden/rectangles.
class Copied : public TemporaryFolder {
 public:
  explicit Copied(const char* name) : golden_(support::golden("rectangles") / name) {
    for (const auto& entry : fs::directory_iterator(golden_)) fs::copy(entry.path(), path());
  }
  Json config() const { return engine::read_json(path() / "config.json"); }
  void write_config(const Json& config) const { put(*this / "config.json", config.dump()); }
  Tensor golden(const char* name) const { return Safetensors(golden_ / "golden.safetensors").read(name); }
  LoadedModel load(ImageSize size = {}, const std::string& file = "") const {
    ModelSource source;
    source.model = file.empty() ? path() : *this / file;
    source.image_size = size, source.threads = 1;
    return load_model(source);
  }
  std::string error(ImageSize size = {}) const {
    return support::error_of([&] { load(size); });
  }

 private:
  fs::path golden_;
};

/// Of the two images of make.py, prepared as the model wants them.
Tensor logits_of(LoadedModel& loaded) {
  const engine::NoGrad evaluation;
  Tensor logits = Tensor::uninitialized({2, loaded.model.config().classes});
  const std::size_t row = logits.bytes() / 2;
  std::byte* to = logits.raw();
  for (const data::Image& image : {data::noise("noise", 7, 70, 37), data::noise("noise", 8, 30, 90)}) {
    std::memcpy(to, loaded.model(data::to_tensor(image, loaded.preprocessing)).raw(), row);
    to += row;
  }
  return logits;
}

TEST(RectangleModel, of_timm_has_timms_logits_by_either_field_that_states_its_size) {
  const Copied folder("timm");
  for (const bool img_size : {true, false}) {
    Json config = folder.config();
    if (!img_size) config["model_args"].erase("img_size");
    folder.write_config(config);
    LoadedModel loaded = folder.load();
    EXPECT_EQ(loaded.model.config().down(), 2);
    EXPECT_EQ(loaded.model.config().across(), 8);
    EXPECT_EQ(loaded.preprocessing.size, (ImageSize{16, 64}));
    EXPECT_TRUE(support::near(logits_of(loaded), folder.golden("logits"), 1e-5));
  }
}

TEST(RectangleModel, of_timm_has_timms_logits_at_another_size) {
  const Copied folder("timm");
  LoadedModel loaded = folder.load({32, 40});
  EXPECT_EQ(loaded.arch, "vit_16w_2d_patch8_32x40");
  EXPECT_TRUE(support::near(logits_of(loaded), folder.golden("logits_32x40"), 1e-5));
}

TEST(RectangleModel, of_hugging_face_has_its_logits) {
  const Copied folder("hf");
  LoadedModel loaded = folder.load();
  EXPECT_EQ(loaded.model.config().across(), 8);
  EXPECT_TRUE(support::near(logits_of(loaded), folder.golden("logits"), 1e-5));
}

TEST(RectangleModel, comes_back_from_a_file_whose_metadata_alone_state_its_size) {
  const Copied folder("timm");
  LoadedModel loaded = folder.load();
  Metadata metadata = model_metadata(loaded.model.config());
  metadata.insert({{"format", "pt"},
                   {"arch", loaded.arch},
                   {"classes", R"(["a","b","c"])"},
                   {"preprocessing", preprocessing_json(loaded.preprocessing)}});
  engine::write_safetensors(folder / "alone.safetensors", engine::state(loaded.model), metadata);
  fs::remove(folder / "config.json");
  LoadedModel back = folder.load({}, "alone.safetensors");
  EXPECT_EQ(back.model.config(), loaded.model.config());
  EXPECT_EQ(back.preprocessing, loaded.preprocessing);
  EXPECT_TRUE(support::same_bits(logits_of(back), logits_of(loaded)));
}

TEST(RectangleModel, is_not_taken_for_the_square_or_the_rectangle_that_another_statement_says) {
  const Copied timm("timm"), hf("hf");
  Json config = timm.config();
  config["pretrained_cfg"]["input_size"] = {3, 64, 16};
  timm.write_config(config);
  EXPECT_THAT(timm.error(), HasSubstr("config.json: input_size is 64x16 but the tensors are of 16x64; one of "
                                      "the two belongs to another model"));
  config["pretrained_cfg"]["input_size"] = {3, 32, 32};
  timm.write_config(config);
  EXPECT_THAT(timm.error(), HasSubstr("input_size is 32 but the tensors are of 16x64"));
  config = hf.config();
  config["image_size"] = {16, 40};
  hf.write_config(config);
  EXPECT_THAT(hf.error(), HasSubstr("image_size is 16x40 but the tensors are of 32"));
  config["image_size"] = {16, 64};
  hf.write_config(config);
  put(hf / "preprocessor_config.json", R"({"size": {"height": 64, "width": 16}})");
  EXPECT_THAT(hf.error(), HasSubstr("the size of prepared images is 64x16 but the tensors are of 16x64"));
}

TEST(RectangleModel, that_its_library_does_not_have_is_refused_by_name) {
  const auto of_type = [](const char* type) {
    const TemporaryFolder folder;
    put(folder / "config.json", Json{{"model_type", type}, {"image_size", {16, 64}}}.dump());
    return support::error_of([&] { read_model_config(folder.path(), {}, "model"); });
  };
  for (const char* type : {"clip", "clip_vision_model", "siglip", "siglip_vision_model"}) {
    EXPECT_THAT(of_type(type), AllOf(HasSubstr("config.json: image_size is 16x64"), HasSubstr(type),
                                     HasSubstr("square images only")));
  }
  EXPECT_EQ(of_type("dinov2"), "nothing was thrown");
  const Copied hf("hf");
  Json config = hf.config();
  config["patch_size"] = {8, 16};
  hf.write_config(config);
  EXPECT_THAT(hf.error(), HasSubstr("patch_size is 8x16: only squares are computed"));
  config["patch_size"] = 8;
  config["image_size"] = {16, 64, 3};
  hf.write_config(config);
  EXPECT_THAT(hf.error(), HasSubstr("image_size should have two values, not 3"));
}

TEST(RectangleModel, is_not_made_by_torchvisions_way_to_resize_positions) {
  SmallCheckpoint checkpoint({{"num_heads", "3"}, {"position_resizing", "bicubic-corners"}});
  ModelSource source;
  source.image_size = {16, 32};
  EXPECT_THAT(checkpoint.error(source), AllOf(HasSubstr("as torchvision does it"), HasSubstr("16 x 32")));
  source.image_size = 32;
  EXPECT_EQ(checkpoint.error(source), "");
  source.image_size = 16;
  EXPECT_EQ(checkpoint.error(source), "");
}

TEST(RectangleProcessor, that_would_pad_is_refused) {
  const auto complaint = [](const char* size, const char* crop) {
    const TemporaryFolder folder;
    put(folder / "preprocessor_config.json",
        std::string(R"({"image_processor_type": "DeiTImageProcessor", "do_center_crop": true, "size": )") +
            size + R"(, "crop_size": )" + crop + "}");
    return support::error_of([&] { read_model_config(folder.path(), {}, "model"); });
  };
  EXPECT_EQ(complaint("[20, 80]", "[16, 64]"), "nothing was thrown");
  EXPECT_THAT(complaint("[20, 60]", "[16, 64]"),
              HasSubstr("crop_size is 16x64 but size only 20x60: images would be padded"));
  EXPECT_THAT(complaint(R"({"shortest_edge": 40})", "[16, 64]"), HasSubstr("size only 40"));
  EXPECT_THAT(complaint("[0, 80]", "[16, 64]"), HasSubstr("size should be above 0, not 0x80"));
  EXPECT_THAT(complaint("[20, 80, 3]", "16"), HasSubstr("size should have two values"));
}

TEST(RectanglePreprocessing, is_a_list_in_metadata_where_a_square_has_the_bytes_it_had) {
  EXPECT_EQ(preprocessing_json({.size = 32, .crop_pct = 0.875}),
            R"({"image_size":32,"interpolation":"bicubic","resize":"squash","crop_pct":0.875,)"
            R"("mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5]})");
  const Preprocessing wide{
      .size = {16, 64}, .mode = Preprocessing::Mode::squash_crop, .crop_pct = {0.8, 0.9}};
  const std::string text = preprocessing_json(wide);
  EXPECT_THAT(text, AllOf(HasSubstr(R"("image_size":[16,64])"), HasSubstr(R"("crop_pct":[0.8,0.9])")));
  EXPECT_EQ(read_preprocessing(text, "delta"), wide);
  const auto with = [&](const char* key, const Json& value) {
    Json json = Json::parse(text);
    json[key] = value;
    return support::error_of([&] { read_preprocessing(json.dump(), "delta"); });
  };
  EXPECT_EQ(with("image_size", Json{16, 16}), "nothing was thrown");
  for (const Json& wrong :
       {Json{16}, Json{16, 64, 3}, Json{16, 0}, Json{-16, 64}, Json{16, 8193}, Json{8193, 16}, Json{16, 6.5},
        Json{16, "64"}, Json::array(), Json("16x64"), Json()})
    EXPECT_THAT(with("image_size", wrong), HasSubstr("delta: preprocessing: ")) << wrong.dump();
  for (const Json& wrong : {Json{0.5, 1.5}, Json{0.001, 1}, Json{0.5}, Json{0.5, "1"}})
    EXPECT_THAT(with("crop_pct", wrong), HasSubstr("delta: preprocessing: ")) << wrong.dump();
}

TEST(RectangleMemory, is_estimated_by_height_and_width) {
  const SmallRun small;
  TrainConfig config = small.config();
  const auto images = [&](ImageSize size) {
    config.model.image_size = size;
    training::Run run = open_run(config, {"train", "val"});
    EXPECT_EQ(run.loaded.preprocessing.size, size);
    return estimate_memory(run, config).images;
  };
  config.method = "linear";  // which scores nothing
  EXPECT_EQ(images({16, 32}), (12u + 6u) * 3 * 16 * 32 * sizeof(float));
  EXPECT_EQ(images({40, 8}), (12u + 6u) * 3 * 40 * 8 * sizeof(float));
}

}  // namespace
}  // namespace training
