// Small checkpoints of timm, one of each kind of backbone, through the program.

#include <gtest/gtest.h>

#include "tests/end_to_end/garden.h"
#include "tests/support/paths.h"

namespace end_to_end {
namespace {

class Backbone : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!fs::exists(model)) GTEST_SKIP() << "needs " << model;
  }

  /// What eval says of a model.
  Json figures(const Words& model_words) {
    Json found = run(Words{"eval"} + model_words + Words{"--data", garden.data(), "--json"}).json();
    return {{"loss", found["loss"]}, {"confusion", found["confusion"]}};
  }

  const fs::path model = support::shared_dir() / "golden/backbones/timm" / GetParam();
  const Garden garden;
};

TEST_P(Backbone, is_tuned_and_evaluated_alike_from_its_delta_and_merged) {
  for (const std::string method : {"grft", "ssf", "vpt"}) {
    SCOPED_TRACE(method);
    const std::string folder = garden.run_folder(method), merged = garden / (method + ".safetensors");
    const Outcome tuned = run({"tune", "--model", model, "--data", garden.data(), "--method", method,
                               "--batch-size", "6", "--lr", "0.01", "--steps", "2", "--out", folder});
    ASSERT_EQ(tuned.status, 0) << tuned.err;
    const Words base_and_delta{"--model", model, "--delta", folder + "/delta.safetensors"};
    const fs::path bare = garden / ("bare-" + method);  // the weights without their config
    fs::create_directory(bare);
    fs::copy_file(model / "model.safetensors", bare / "model.safetensors");
    const Json adapted = figures(base_and_delta), result = read_json(folder + "/result.json");
    EXPECT_EQ(adapted["loss"], result["test"]["loss"]);
    EXPECT_EQ(adapted["confusion"], result["test"]["confusion"]);
    EXPECT_EQ(figures({"--model", bare, "--delta", folder + "/delta.safetensors"}), adapted);
    if (method == "vpt") continue;  // prompts are no weights
    const Json merge = run(Words{"merge"} + base_and_delta + Words{"--out", merged, "--json"}).json();
    EXPECT_LT(merge["largest_difference"].get<double>(), method == "grft" ? 1e-30 : 1e-5);
    const Json alone = figures({"--model", merged});  // without the config of its base
    if (method == "grft") {
      EXPECT_EQ(alone, adapted);
    } else {
      EXPECT_NEAR(alone["loss"].get<double>(), adapted["loss"].get<double>(), 1e-4);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Backbone,
                         ::testing::Values("vit", "deit_distilled", "deit3", "dinov2_reg4", "dinov2_giant",
                                           "clip_openai", "siglip", "siglip_gap", "sbb_reg4_gap", "beit",
                                           "eva02_base", "dinov3", "rope_mixed", "aimv2", "eva02_tiny",
                                           "eva02_clip", "pe_core", "rope_ape", "radio_v3",
                                           "dinov2_giant_reg4", "siglip_so400m"),
                         [](const auto& c) { return std::string(c.param); });

}  // namespace
}  // namespace end_to_end
