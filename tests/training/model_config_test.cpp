#include "tools/training/pretrained/model_config.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "tests/engine/io/temporary_folder.h"
#include "tools/training/pretrained/metadata.h"

namespace training {
namespace {

using engine::get;
using engine::put;
using engine::TemporaryFolder;

const std::vector<std::pair<const char*, std::string>> kFiles = {
    {"config.json",
     R"({"num_classes":2,"label_names":["a","b"],"model_args":{"num_heads":3},"pretrained_cfg":)"
     R"({"input_size":[3,224,224],"interpolation":"bicubic","crop_pct":0.9,"crop_mode":"squash",)"
     R"("mean":[0.5,0.5,0.5],"std":[0.25,0.25,0.25]}})"},
    {"config.json", R"({"num_attention_heads":3,"layer_norm_eps":1e-12,"id2label":{"0":"a","1":"b"}})"},
    {"preprocessor_config.json",
     R"({"do_center_crop":true,"crop_size":{"height":224,"width":224},"size":{"shortest_edge":256},)"
     R"("resample":3,"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5]})"}};

/// Whether a file of that name with these bytes is read; anything thrown but Error fails the test.
bool loads(const TemporaryFolder& folder, const char* name, const std::string& bytes) {
  put(folder / name, bytes);
  try {
    read_model_config(folder.path(), {}, "model");
    return true;
  } catch (const engine::Error& e) {
    EXPECT_TRUE(std::string_view(e.what()).starts_with((folder / name).string())) << e.what();
    return false;
  }
}

TEST(ModelConfig, no_prefix_of_a_file_loads) {
  for (const auto& [name, text] : kFiles) {
    const TemporaryFolder folder;
    for (std::size_t size = 0; size < text.size(); ++size)
      EXPECT_FALSE(loads(folder, name, text.substr(0, size))) << name << " of " << size << " bytes";
    EXPECT_TRUE(loads(folder, name, text));
  }
}

TEST(ModelConfig, a_flipped_bit_loads_or_throws) {
  for (const auto& [name, text] : kFiles) {
    const TemporaryFolder folder;
    int accepted = 0;
    for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
      std::string flipped = text;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      accepted += loads(folder, name, flipped);
    }
    EXPECT_GT(accepted, 0) << name << ": some digits may be others";
  }
}

TEST(ModelConfig, metadata_with_a_flipped_bit_loads_or_throws) {
  const engine::Metadata whole = {{"num_heads", "3"},
                                  {"norm_eps", "1e-6"},
                                  {"classes", R"(["a","b"])"},
                                  {"preprocessing", preprocessing_json({})}};
  ASSERT_NO_THROW(read_model_config({}, whole, "model"));
  for (const auto& [key, text] : whole) {
    for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
      engine::Metadata flipped = whole;
      flipped[key][bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
      try {
        read_model_config({}, flipped, "model");
      } catch (const engine::Error& e) {
        EXPECT_TRUE(std::string_view(e.what()).starts_with("model: " + key)) << e.what();
      }
    }
  }
}

TEST(HuggingFace, edge_that_images_are_resized_to_comes_back_from_its_share) {
  const TemporaryFolder folder;
  for (int edge = 224; edge < 600; ++edge) {
    put(folder / "preprocessor_config.json",
        R"({"do_center_crop":true,"crop_size":224,"size":{"shortest_edge":)" + std::to_string(edge) + "}}");
    const data::Preprocessing how = *read_model_config(folder.path(), {}, "model").preprocessing;
    EXPECT_EQ(std::floor(static_cast<double>(how.size) / how.crop_pct), edge);
  }
}

TEST(HuggingFace, images_that_are_not_normalized_keep_their_values) {
  const TemporaryFolder folder;
  put(folder / "preprocessor_config.json", R"({"do_normalize":false,"image_mean":[0.1,0.1,0.1]})");
  const data::Preprocessing how = *read_model_config(folder.path(), {}, "model").preprocessing;
  EXPECT_EQ(how.mean, (std::array<float, 3>{0, 0, 0}));
  EXPECT_EQ(how.std, (std::array<float, 3>{1, 1, 1}));
}

TEST(HuggingFace, activation_other_than_gelu_is_refused) {
  const TemporaryFolder folder;
  EXPECT_TRUE(loads(folder, "config.json", R"({"hidden_act":"gelu"})"));
  EXPECT_FALSE(loads(folder, "config.json", R"({"hidden_act":"quick_gelu"})"));
}

}  // namespace
}  // namespace training
