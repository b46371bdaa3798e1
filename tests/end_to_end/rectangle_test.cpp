// A model for images of 16 x 64 pixels in patches of 8 (tests/golden/rectangles): from its folder to a delta,
// to results and to a merged file.

#include <gmock/gmock.h>

#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using engine::Safetensors;
using ::testing::AllOf;
using ::testing::HasSubstr;

const Json kWide = {16, 64};

class Rectangle : public ::testing::Test {
 protected:
  Rectangle() {
    for (const char* file : {"config.json", "model.safetensors"})
      write_text(folder() + "/" + file,
                 read_text(fs::path(ESPALIER_SOURCE_DIR) / "tests/golden/rectangles/timm" / file));
  }
  std::string folder() const { return garden_ / "wide"; }
  std::string delta(const std::string& name) const { return garden_.run_folder(name) + "/delta.safetensors"; }
  Words job(const std::string& command, const Words& more = {}) const {
    return Words{command, "--model", folder(), "--data", garden_.data(), "--threads", "1"} + more;
  }
  Outcome tune(const std::string& name, const Words& more) const {
    const Outcome outcome = run(job("tune", {"--batch-size", "6", "--steps", "2", "--lr", "0.01", "--out",
                                             garden_.run_folder(name)}) +
                                more);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome;
  }
  Json eval(const Words& words) const {
    return run(Words{"eval", "--data", garden_.data(), "--json"} + words).json();
  }

  Garden garden_;
};

/// How a file says that images are prepared.
Json preprocessing_of(const std::string& file) {
  return Json::parse(Safetensors(file).metadata().at("preprocessing"));
}

TEST_F(Rectangle, is_tuned_evaluated_and_merged_to_a_file_that_needs_no_config) {
  for (const char* method : {"full", "grft", "lora"}) {
    tune(method, {"--method", method, "--augment", "fgvc"});
    EXPECT_EQ(preprocessing_of(delta(method))["image_size"], kWide);
    EXPECT_EQ(Safetensors(delta(method)).metadata().at("arch"), "vit_16w_2d_patch8_16x64");
    const Json tuned = eval({"--model", folder(), "--delta", delta(method)});
    const std::string merged = garden_ / (std::string(method) + ".safetensors");
    const Json result =
        run({"merge", "--model", folder(), "--delta", delta(method), "--out", merged, "--json"}).json();
    EXPECT_LT(result["largest_difference"], 1e-5);
    EXPECT_EQ(preprocessing_of(merged)["image_size"], kWide);
    const Json alone = eval({"--model", merged});
    EXPECT_EQ(alone["top1"], tuned["top1"]) << method;
    EXPECT_NEAR(alone["loss"], tuned["loss"], 1e-5) << method;
  }
}

TEST_F(Rectangle, of_another_size_is_asked_for_by_height_and_width) {
  tune("run", {"--method", "bitfit", "--image-size", "32x40"});
  EXPECT_EQ(read_json(garden_.run_folder() + "/config.json")["image_size"], Json({32, 40}));
  EXPECT_EQ(preprocessing_of(delta("run"))["image_size"], Json({32, 40}));
  const Json own = eval({"--model", folder(), "--delta", delta("run")});
  EXPECT_EQ(eval({"--model", folder(), "--delta", delta("run"), "--image-size", "32x40"})["loss"],
            own["loss"]);
  const Json other = eval({"--model", folder(), "--delta", delta("run"), "--image-size", "40x32"});
  EXPECT_NE(other["loss"], own["loss"]);
  tune("square", {"--method", "bitfit", "--image-size", "24"});
  EXPECT_EQ(read_json(garden_.run_folder("square") + "/config.json")["image_size"], 24);
  EXPECT_EQ(preprocessing_of(delta("square"))["image_size"], 24);
}

TEST_F(Rectangle, has_features_of_its_own_size) {
  const Words linear = {"--method", "linear", "--features", garden_ / "features"};
  EXPECT_TRUE(tune("first", linear).noted("prefix train"));
  EXPECT_FALSE(tune("again", linear).noted("prefix train"));
  EXPECT_TRUE(tune("other", linear + Words{"--image-size", "64x16"}).noted("prefix train"));
  tune("plain", {"--method", "linear"});
  for (const char* name : {"first", "again"})
    EXPECT_TRUE(read_text(delta(name)) == read_text(delta("plain")));
}

TEST_F(Rectangle, is_predicted_and_benchmarked) {
  std::string image;
  for (const auto& entry : fs::recursive_directory_iterator(garden_.data() + "/test"))
    if (entry.path().extension() == ".ppm") image = entry.path();
  tune("run", {"--method", "linear"});
  const Outcome predicted = run({"predict", "--model", folder(), "--delta", delta("run"), image});
  EXPECT_EQ(predicted.status, 0) << predicted.err;
  const Json wide = run({"bench", "infer", "--arch", "vit_tiny_patch16_224", "--image-size", "128x256",
                         "--batch", "1", "--repeats", "1", "--json"})
                        .json();
  const Json small = run({"bench", "infer", "--arch", "vit_tiny_patch16_224", "--image-size", "128",
                          "--batch", "1", "--repeats", "1", "--json"})
                         .json();
  EXPECT_GT(wide["memory_mb"]["activations"], small["memory_mb"]["activations"]);
}

TEST_F(Rectangle, in_words_that_say_no_size_is_a_wrong_call) {
  for (const char* wrong :
       {"16x", "x64", "16x64x3", "16X64", "16*64", "0x64", "16x0", "16x9000", "16,64", "-16x64"}) {
    const std::string error = run(job("eval", {"--image-size", wrong})).error(2);
    EXPECT_THAT(error, HasSubstr("--image-size")) << wrong;
  }
  EXPECT_THAT(run(job("eval", {"--image-size", "16x60"})).error(2),
              AllOf(HasSubstr("16 x 60"), HasSubstr("patch size 8")));
}

}  // namespace
}  // namespace end_to_end
