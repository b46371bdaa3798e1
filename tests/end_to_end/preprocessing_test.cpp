#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "data/codecs/decode.h"
#include "data/transforms.h"
#include "engine/autograd/record.h"
#include "models/positions.h"
#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using data::Preprocessing;
using engine::Safetensors;
using engine::Tensor;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// An image that is far from square, so that every way to prepare it gives other pixels.
std::string wide_image() {
  std::string text = "P6 31 20 255\n";
  for (int i = 0; i < 31 * 20 * 3; ++i) text.push_back(static_cast<char>(i * 7 + i / 93 * 31));
  return text;
}

/// The model in a folder, with these files beside it, and data of two classes of that image.
class Prepared : public Folder {
 public:
  explicit Prepared(const std::string& config = "", const std::string& preprocessor = "") {
    write_model(model() + "/model.safetensors", small_state(), {{"num_heads", "3"}});
    if (!config.empty()) write_text(model() + "/config.json", config);
    if (!preprocessor.empty()) write_text(model() + "/preprocessor_config.json", preprocessor);
    for (const char* name : {"0", "1", "2", "3", "4"})
      write_text(path() / "data/train" / name / "x.ppm", wide_image());
    write_text(path() / "data/test/0/x.ppm", wide_image());
  }
  std::string model() const { return path() / "model"; }
  Outcome eval(const Words& options, const std::string& logits) const {
    return run(Words{"eval", "--model", model(), "--data", path() / "data", "--logits", logits} + options);
  }
};

/// The logits of the image prepared in this way, by the parts the program is made of.
Tensor expected_logits(const Preprocessing& how) {
  models::Vit model(small_config());
  engine::load_state(model, small_state(), "the small model");
  models::resize(model, how.size.height, how.size.width);
  const std::string text = wide_image();
  const engine::NoGrad evaluation;
  return model(data::to_tensor(data::decode_image(std::as_bytes(std::span(text)), "wide"), how));
}

struct Case {
  const char* name;
  std::string config, preprocessor;
  Words options;
  Preprocessing how;
  bool noted = false;
};
void PrintTo(const Case& c, std::ostream* os) {
  *os << c.name;
}

const std::string kTimm = R"({"architecture": "vit", "num_classes": 5, "pretrained_cfg": {
  "input_size": [3, 16, 16], "interpolation": "bilinear", "crop_pct": 0.8, "crop_mode": "center",
  "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}})";
const std::string kHuggingFace = R"({"do_resize": true, "size": {"height": 16, "width": 16}, "resample": 2,
  "image_mean": [0.4, 0.5, 0.6], "image_std": [0.3, 0.2, 0.1]})";

Preprocessing timm() {
  return {.size = 16,
          .filter = data::Filter::bilinear,
          .mode = Preprocessing::Mode::crop,
          .crop_pct = 0.8,
          .mean = {0.485f, 0.456f, 0.406f},
          .std = {0.229f, 0.224f, 0.225f}};
}
Preprocessing hugging_face() {
  return {
      .size = 16, .filter = data::Filter::bilinear, .mean = {0.4f, 0.5f, 0.6f}, .std = {0.3f, 0.2f, 0.1f}};
}
Preprocessing with(Preprocessing how, const std::function<void(Preprocessing&)>& change) {
  change(how);
  return how;
}

class Preparation : public ::testing::TestWithParam<Case> {};

TEST_P(Preparation, is_as_the_files_and_the_options_say) {
  const Case& c = GetParam();
  const Prepared prepared(c.config, c.preprocessor);
  const std::string logits = prepared / "logits.safetensors";
  const Outcome outcome = prepared.eval(c.options, logits);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.noted("mean = std = 0.5, bicubic, squash"), c.noted) << outcome.err;
  const Tensor actual = Safetensors(logits).read("logits"), expected = expected_logits(c.how);
  ASSERT_EQ(actual.shape(), expected.shape());
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(actual.data<float>()[i], expected.data<float>()[i], 1e-6);
}

const Preprocessing kStandard{.size = 16};

INSTANTIATE_TEST_SUITE_P(
    , Preparation,
    ::testing::Values(
        Case{"nothing_stored", "", "", {}, kStandard, true}, Case{"timm", kTimm, "", {}, timm()},
        Case{"hugging_face", "", kHuggingFace, {}, hugging_face()},
        Case{"hugging_face_with_an_old_size",
             "",
             R"({"size": 16})",
             {},
             with(kStandard, [](Preprocessing& p) { p.filter = data::Filter::bilinear; })},
        Case{"hugging_face_with_a_crop",
             "",
             R"({"size": {"shortest_edge": 20}, "do_center_crop": true,
                "crop_size": {"height": 16, "width": 16}, "resample": 3,
                "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]})",
             {},
             with(kStandard,
                  [](Preprocessing& p) {
                    p.mode = Preprocessing::Mode::crop, p.crop_pct = 0.8;
                    p.crop_start = Preprocessing::CropStart::floor;
                  })},
        Case{"hugging_face_deit",
             "",
             R"({"image_processor_type": "DeiTImageProcessor", "size": 19, "crop_size": 16})",
             {},
             with(kStandard,
                  [](Preprocessing& p) {
                    p.mode = Preprocessing::Mode::squash_crop, p.crop_pct = 16.0 / 19;
                    p.crop_start = Preprocessing::CropStart::floor;
                  })},
        Case{"timm_before_hugging_face", kTimm, kHuggingFace, {}, timm()},
        Case{"a_config_without_preprocessing", R"({"num_attention_heads": 3})", "", {}, kStandard, true},
        Case{"options_over_timm",
             kTimm,
             "",
             {"--mean", "0.1,0.2,0.3", "--resize", "squash"},
             with(timm(),
                  [](Preprocessing& p) {
                    p.mean = {0.1f, 0.2f, 0.3f}, p.mode = Preprocessing::Mode::squash;
                  })},
        Case{"options_over_hugging_face",
             "",
             kHuggingFace,
             {"--std", "1,1,1", "--interpolation", "bicubic"},
             with(hugging_face(),
                  [](Preprocessing& p) {
                    p.std = {1, 1, 1}, p.filter = data::Filter::bicubic;
                  })},
        Case{"options_alone",
             "",
             "",
             {"--mean", "0,0,0", "--std", "1,1,1", "--interpolation", "bilinear", "--resize", "squash"},
             with(kStandard,
                  [](Preprocessing& p) {
                    p.mean = {0, 0, 0}, p.std = {1, 1, 1}, p.filter = data::Filter::bilinear;
                  })},
        Case{"crop_alone",
             "",
             "",
             {"--resize", "crop"},
             with(kStandard, [](Preprocessing& p) { p.mode = Preprocessing::Mode::crop; })},
        Case{"torchvisions_first_weights",
             "",
             "",
             {"--resize", "crop", "--crop-pct", "0.875", "--interpolation", "bilinear"},
             with(kStandard,
                  [](Preprocessing& p) {
                    p.mode = Preprocessing::Mode::crop, p.crop_pct = 0.875, p.filter = data::Filter::bilinear;
                  })},
        Case{"crop_pct_over_timm",
             kTimm,
             "",
             {"--crop-pct", "0.6"},
             with(timm(), [](Preprocessing& p) { p.crop_pct = 0.6; })},
        Case{"crop_pct_over_timms_squash",
             R"({"architecture": "vit", "pretrained_cfg": {"input_size": [3, 16, 16], "crop_mode": "squash",
                 "crop_pct": 1.0, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}})",
             "",
             {"--crop-pct", "0.8"},
             with(kStandard,
                  [](Preprocessing& p) { p.mode = Preprocessing::Mode::squash_crop, p.crop_pct = 0.8; })},
        Case{"crop_pct_over_hugging_faces_crop",
             "",
             R"({"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 18}, "crop_size": 16,
                 "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]})",
             {"--crop-pct", "0.7"},
             with(kStandard,
                  [](Preprocessing& p) {
                    p.mode = Preprocessing::Mode::crop, p.crop_pct = 0.7;
                    p.crop_start = Preprocessing::CropStart::floor;
                  })},
        Case{"another_size",
             kTimm,
             "",
             {"--image-size", "32"},
             with(timm(), [](Preprocessing& p) { p.size = 32; })}),
    [](const auto& c) { return std::string(c.param.name); });

TEST(Preparations, differ_between_the_ways_that_are_tested) {
  const auto first = [](const Preprocessing& how) { return expected_logits(how).data<float>()[0]; };
  const std::vector<float> all{
      first(kStandard), first(timm()), first(hugging_face()),
      first(with(kStandard, [](Preprocessing& p) { p.mode = Preprocessing::Mode::crop; }))};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_GT(std::abs(all[i] - all[j]), 1e-4) << i << ' ' << j;
  }
}

/// The preprocessing that the delta in a run folder stores.
Json stored_preprocessing(const Garden& garden) {
  return Json::parse(Safetensors(garden.run_folder() + "/delta.safetensors").metadata().at("preprocessing"));
}

TEST(CropPct, that_has_no_effect_is_refused_by_what_it_contradicts) {
  const auto refusal = [](const Prepared& prepared, const Words& options) {
    return prepared.eval(options, prepared / "logits.safetensors").error(2);
  };
  EXPECT_THAT(refusal(Prepared(kTimm), {"--crop-pct", "0.8", "--resize", "squash"}),
              AllOf(HasSubstr("--crop-pct"), HasSubstr("--resize squash")));
  EXPECT_THAT(refusal(Prepared("", kHuggingFace), {"--crop-pct", "0.8"}),
              AllOf(HasSubstr("--crop-pct 0.8 has no effect"), HasSubstr("stored with the weights"),
                    HasSubstr("--resize crop")));
  EXPECT_THAT(refusal(Prepared(), {"--crop-pct", "0.8"}), HasSubstr("as nothing says otherwise"));
  for (const char* value : {"0", "1.1", "0.001", "-0.5"})
    EXPECT_THAT(refusal(Prepared(kTimm), {"--crop-pct", value}), HasSubstr("a number in [0.01, 1]")) << value;
}

TEST(DeltaPreprocessing, has_the_share_that_is_cut_out) {
  const Garden garden;
  garden.tune("linear", {"--resize", "crop", "--crop-pct", "0.875"});
  EXPECT_EQ(stored_preprocessing(garden)["crop_pct"], 0.875);
  EXPECT_EQ(read_json(garden.run_folder() + "/config.json")["crop_pct"], 0.875);
  EXPECT_THAT(run(Words{"tune"} + garden.job("linear") +
                  Words{"--out", garden.run_folder(), "--epochs", "2", "--lr", "0.01", "--resize", "crop",
                        "--crop-pct", "0.5", "--resume"})
                  .error(2),
              HasSubstr("crop_pct was 0.875 and is 0.5"));
}

TEST(DeltaPreprocessing, is_carried_to_later_commands) {
  for (const char* method : {"grft", "full"}) {
    const Garden garden;
    garden.tune(method, {"--image-size", "32", "--mean", "0.4,0.5,0.6", "--interpolation", "bilinear",
                         "--resize", "crop"});
    const Json stored = stored_preprocessing(garden);
    EXPECT_EQ(stored["image_size"], 32);
    EXPECT_EQ(stored["interpolation"], "bilinear");
    EXPECT_EQ(stored["resize"], "crop");
    EXPECT_EQ(stored["crop_pct"], 0.9);
    EXPECT_FLOAT_EQ(stored["mean"][2], 0.6f);
    EXPECT_FLOAT_EQ(stored["std"][2], 0.5f);

    const Words delta{"--model", garden.model(), "--delta", garden.run_folder() + "/delta.safetensors"};
    const Words data{"--data", garden.data(), "--batch-size", "6", "--json"};
    Json result = read_json(garden.run_folder() + "/result.json")["test"];
    result.erase("seconds");
    const Outcome outcome = run(Words{"eval"} + delta + data);
    Json again = outcome.json();
    again.erase("seconds");
    EXPECT_EQ(again, result) << method;
    EXPECT_FALSE(outcome.noted("note:")) << outcome.err;

    const std::string merged = garden / "merged.safetensors";
    EXPECT_EQ(run(Words{"merge", "--json", "--out", merged} + delta).json()["largest_difference"], 0);
    EXPECT_EQ(Safetensors(merged).entry("pos_embed").shape(), engine::Shape({1, 17, 24}));
    again = run(Words{"eval", "--model", merged} + data).json();
    again.erase("seconds");
    EXPECT_EQ(again, result) << method;
  }
}

TEST(DeltaPreprocessing, can_be_overridden) {
  for (const char* method : {"grft", "full"}) {
    const Garden garden;
    garden.tune(method);
    const Words words{
        "eval",   "--model",     garden.model(), "--delta", garden.run_folder() + "/delta.safetensors",
        "--data", garden.data(), "--json"};
    const double before = run(words).json()["loss"];
    EXPECT_NE(run(words + Words{"--mean", "0,0,0"}).json()["loss"], before) << method;
    EXPECT_NE(run(words + Words{"--image-size", "32"}).json()["loss"], before) << method;
  }
}

}  // namespace
}  // namespace end_to_end
