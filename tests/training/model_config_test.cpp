#include "tools/training/pretrained/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "models/zoo.h"
#include "tests/engine/io/temporary_folder.h"
#include "tools/training/pretrained/metadata.h"

namespace training {
namespace {

using engine::get;
using engine::put;
using engine::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

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
  const engine::Metadata whole = {{"arch", "vit"},
                                  {"num_heads", "3"},
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
        R"({"image_processor_type":"BitImageProcessor","crop_size":224,"size":{"shortest_edge":)" +
            std::to_string(edge) + "}}");
    const data::Preprocessing how = *read_model_config(folder.path(), {}, "model").preprocessing;
    EXPECT_EQ(std::floor(static_cast<double>(how.size.height) / how.crop_pct.height), edge);
  }
}

TEST(HuggingFace, images_that_are_not_normalized_keep_their_values) {
  const TemporaryFolder folder;
  put(folder / "preprocessor_config.json", R"({"do_normalize":false,"image_mean":[0.1,0.1,0.1]})");
  const data::Preprocessing how = *read_model_config(folder.path(), {}, "model").preprocessing;
  EXPECT_EQ(how.mean, (std::array<float, 3>{0, 0, 0}));
  EXPECT_EQ(how.std, (std::array<float, 3>{1, 1, 1}));
}

/// What a processor file of this content makes of images.
data::Preprocessing prepared_by(const std::string& text) {
  const TemporaryFolder folder;
  put(folder / "preprocessor_config.json", text);
  return *read_model_config(folder.path(), {}, "model").preprocessing;
}

std::string complaint(const char* file, const std::string& text, const ModelSource& options = {}) {
  const TemporaryFolder folder;
  put(folder / file, text);
  try {
    read_model_config(folder.path(), {}, "model", options);
    return {};
  } catch (const engine::Error& e) {
    return e.what();
  }
}

TEST(HuggingFace, deit_resizes_to_height_and_width_and_then_cuts) {
  const auto how =
      prepared_by(R"({"image_processor_type":"DeiTImageProcessor","size":{"height":40,"width":40},)"
                  R"("crop_size":{"height":32,"width":32},"do_center_crop":true})");
  EXPECT_EQ(how.mode, data::Preprocessing::Mode::squash_crop);
  EXPECT_EQ(how.size, 32);
  EXPECT_EQ(std::floor(32 / how.crop_pct.width), 40);
  EXPECT_EQ(how.crop_start, data::Preprocessing::CropStart::floor);
}

TEST(HuggingFace, what_a_processor_leaves_out_is_the_default_of_its_class) {
  const auto deit =
      prepared_by(R"({"image_processor_type":"DeiTImageProcessor","size":256,"crop_size":224})");
  EXPECT_EQ(deit.mode, data::Preprocessing::Mode::squash_crop);
  EXPECT_EQ(deit.filter, data::Filter::bicubic);
  EXPECT_EQ(deit.mean[0], 0.5f);
  const auto vit = prepared_by(R"({"image_processor_type":"ViTFeatureExtractor"})");
  EXPECT_EQ(vit.mode, data::Preprocessing::Mode::squash);
  EXPECT_EQ(vit.filter, data::Filter::bilinear);
  const auto clip = prepared_by(R"({"image_processor_type":"CLIPImageProcessorFast"})");
  EXPECT_EQ(clip.mode, data::Preprocessing::Mode::crop);
  EXPECT_FLOAT_EQ(clip.mean[0], 0.48145466f);
  EXPECT_THAT(
      complaint("preprocessor_config.json", R"({"image_processor_type":"OtherImageProcessor","size":224})"),
      HasSubstr("OtherImageProcessor"));
}

TEST(HuggingFace, a_flag_that_is_null_is_false) {
  const auto raw = prepared_by(R"({"do_normalize":null,"do_rescale":null})");
  EXPECT_EQ(raw.mean, (std::array<float, 3>{0, 0, 0}));
  EXPECT_FLOAT_EQ(raw.std[0], 1.0f / 255) << "levels from 0 to 255";
  const auto uncut = prepared_by(
      R"({"image_processor_type":"DeiTImageProcessor","size":{"height":32,"width":32},"do_center_crop":null})");
  EXPECT_EQ(uncut.mode, data::Preprocessing::Mode::squash);
  EXPECT_EQ(uncut.size, 32);
}

TEST(HuggingFace, rescale_factor_is_obeyed) {
  const auto how =
      prepared_by(R"({"rescale_factor":0.00784313725490196,"image_mean":[1,1,1],"image_std":[1,1,1]})");
  for (int c = 0; c < 3; ++c) {
    EXPECT_FLOAT_EQ(how.mean[c], 0.5f);
    EXPECT_FLOAT_EQ(how.std[c], 0.5f);
  }
}

TEST(HuggingFace, a_crop_beyond_the_image_is_refused) {
  EXPECT_THAT(complaint("preprocessor_config.json",
                        R"({"image_processor_type":"DeiTImageProcessor","size":24,"crop_size":32})"),
              AllOf(HasSubstr("crop_size"), HasSubstr("padded")));
}

TEST(HuggingFace, the_image_processor_of_a_whole_processor_wins) {
  const TemporaryFolder folder;
  put(folder / "preprocessor_config.json", R"({"size":32,"image_mean":[0.1,0.1,0.1]})");
  put(folder / "processor_config.json",
      R"({"image_processor":{"size":16,"image_processor_type":"ViTImageProcessor"}})");
  EXPECT_EQ(read_model_config(folder.path(), {}, "model").preprocessing->size, 16);
  put(folder / "processor_config.json", R"({"processor_class":"CLIPProcessor"})");
  EXPECT_EQ(read_model_config(folder.path(), {}, "model").preprocessing->size, 32);
}

TEST(HuggingFace, options_override_what_is_not_computed) {
  ModelSource bicubic, squash;
  bicubic.interpolation = "bicubic", squash.resize = "squash";
  const std::string lanczos = R"({"resample":1})", border = R"({"pretrained_cfg":{"crop_mode":"border"}})",
                    timms = R"({"pretrained_cfg":{"interpolation":"lanczos"}})";
  EXPECT_THAT(complaint("preprocessor_config.json", lanczos), HasSubstr("--interpolation"));
  EXPECT_EQ(complaint("preprocessor_config.json", lanczos, bicubic), "");
  EXPECT_THAT(complaint("config.json", timms), HasSubstr("lanczos"));
  EXPECT_EQ(complaint("config.json", timms, bicubic), "");
  EXPECT_THAT(complaint("config.json", border), HasSubstr("border"));
  EXPECT_EQ(complaint("config.json", border, squash), "");
}

TEST(Timm, what_a_config_leaves_out_is_timms_default) {
  for (const char* text : {R"({"architecture":"vit_tiny_patch16_224","pretrained_cfg":{}})",
                           R"({"architecture":"vit_tiny_patch16_224","num_classes":7})"}) {
    const TemporaryFolder folder;
    put(folder / "config.json", text);
    const auto how = *read_model_config(folder.path(), {}, "model").preprocessing;
    EXPECT_EQ(how.mean, (std::array<float, 3>{0.485f, 0.456f, 0.406f}));
    EXPECT_EQ(how.std, (std::array<float, 3>{0.229f, 0.224f, 0.225f}));
    EXPECT_EQ(how.crop_pct, 0.875);
    EXPECT_EQ(how.mode, data::Preprocessing::Mode::crop);
  }
}

TEST(Timm, the_flat_form_of_old_files_says_how_images_are_prepared_with_or_without_an_architecture) {
  for (const char* field : {R"("mean":[0.1,0.2,0.3])", R"("mean":[0.1,0.2,0.3],"label_names":["a","b"])",
                            R"("mean":[0.1,0.2,0.3],"architecture":"vit_tiny_patch16_224")"}) {
    const TemporaryFolder folder;
    put(folder / "config.json", R"({"model_args":{"num_heads":3},)" + std::string(field) + "}");
    const auto how = read_model_config(folder.path(), {}, "model").preprocessing;
    ASSERT_TRUE(how) << field;
    EXPECT_EQ(how->mean, (std::array<float, 3>{0.1f, 0.2f, 0.3f})) << field;
  }
}

TEST(Timm, an_architecture_may_stand_in_pretrained_cfg) {
  const TemporaryFolder folder;
  put(folder / "config.json", R"({"pretrained_cfg":{"architecture":"vit_tiny_patch16_224"}})");
  EXPECT_EQ(read_model_config(folder.path(), {}, "model").facts.heads, 3);
}

TEST(Timm, squash_with_a_share_cuts_the_centre) {
  const TemporaryFolder folder;
  put(folder / "config.json", R"({"pretrained_cfg":{"crop_mode":"squash","crop_pct":0.9}})");
  EXPECT_EQ(read_model_config(folder.path(), {}, "model").preprocessing->mode,
            data::Preprocessing::Mode::squash_crop);
  put(folder / "config.json", R"({"pretrained_cfg":{"crop_mode":"squash","crop_pct":1.0}})");
  EXPECT_EQ(read_model_config(folder.path(), {}, "model").preprocessing->mode,
            data::Preprocessing::Mode::squash);
}

TEST(Timm, heads_and_eps_of_every_architecture_come_from_its_name_or_it_is_refused) {
  int read = 0, refused = 0;
  for (const models::Architecture& a : models::known_architectures()) {
    const std::string text = R"({"architecture":")" + std::string(a.name) + R"(","pretrained_cfg":{}})";
    if (*a.beyond) {
      ++refused;
      EXPECT_THAT(complaint("config.json", text), HasSubstr(a.name));
      continue;
    }
    ++read;
    const TemporaryFolder folder;
    put(folder / "config.json", text);
    const ModelConfig config = read_model_config(folder.path(), {}, "model");
    EXPECT_EQ(config.facts.heads, a.config.heads) << a.name;
    EXPECT_EQ(config.facts.norm_eps, a.config.norm_eps) << a.name;
    EXPECT_EQ(config.facts.pooling, a.config.pooling) << a.name;
    EXPECT_EQ(config.facts.activation, a.config.activation) << a.name;
    EXPECT_TRUE(config.facts.rope == a.config.rope) << a.name;
  }
  EXPECT_EQ(read + refused, std::ssize(models::known_architectures()));
  EXPECT_GT(read, 200);
}

TEST(Timm, what_model_args_ask_for_beyond_the_engine_is_refused) {
  const auto error = [](const std::string& args) {
    return complaint("config.json", R"({"architecture":"vit_tiny_patch16_224","model_args":)" + args + "}");
  };
  EXPECT_EQ(error(R"({"global_pool":"token","act_layer":"gelu","class_token":true})"), "");
  EXPECT_THAT(error(R"({"global_pool":"max"})"), HasSubstr("global_pool"));
  EXPECT_THAT(error(R"({"act_layer":"relu"})"), HasSubstr("act_layer"));
  EXPECT_THAT(error(R"({"pos_embed":"rope"})"), HasSubstr("pos_embed"));
  EXPECT_THAT(error(R"({"qk_norm":true})"), HasSubstr("qk_norm"));
}

TEST(Timm, model_args_name_the_parts_that_the_tensors_must_have) {
  const auto parts = [](const std::string& args) {
    const TemporaryFolder folder;
    put(folder / "config.json", R"({"architecture":"vit_tiny_patch16_224","model_args":)" + args + "}");
    return *read_model_config(folder.path(), {}, "model").parts;
  };
  const models::VitConfig plain = models::architecture("vit_tiny_patch16_224");
  EXPECT_EQ(parts("{}"), plain);
  EXPECT_EQ(parts(R"({"reg_tokens":4})").registers, 4);
  EXPECT_TRUE(parts(R"({"init_values":1e-5})").layer_scale);
  EXPECT_TRUE(parts(R"({"pre_norm":true})").norm_pre);
  EXPECT_EQ(parts(R"({"no_embed_class":true})").positions, models::Positions::patches);
  EXPECT_EQ(parts(R"({"qkv_bias":false})").qkv, models::QkvForm::joint_without_bias);
  const models::VitConfig average = parts(R"({"global_pool":"avg"})");
  EXPECT_TRUE(average.fc_norm && !average.final_norm) << "as timm makes it";
  const models::VitConfig without = parts(R"({"global_pool":"avg","fc_norm":false})");
  EXPECT_TRUE(!without.fc_norm && without.final_norm);
  EXPECT_EQ(without.pooling, models::Pooling::average);
}

TEST(Metadata, of_a_merged_file_beat_the_config_beside_it) {
  const TemporaryFolder folder;
  put(folder / "config.json", R"({"model_type":"vit","num_attention_heads":4,"id2label":{"0":"x","1":"y"}})");
  put(folder / "preprocessor_config.json", R"({"size":224,"image_mean":[0.1,0.1,0.1]})");
  engine::Metadata own{{"format", "pt"},
                       {"num_heads", "3"},
                       {"classes", R"(["a","b"])"},
                       {"preprocessing", preprocessing_json({.size = 32})}};
  const ModelConfig others = read_model_config(folder.path(), own, "model");
  EXPECT_EQ(others.facts.heads, 4) << "another program's";
  own["arch"] = "vit_tiny";
  const ModelConfig merged = read_model_config(folder.path(), own, "model");
  EXPECT_EQ(merged.facts.heads, 3);
  EXPECT_EQ(merged.classes, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(merged.preprocessing->size, 32);
  EXPECT_EQ(merged.notes.size(), 3u) << "heads, classes, preprocessing";
  put(folder / "config.json", R"({"model_type":"beit"})");
  EXPECT_EQ(read_model_config(folder.path(), own, "model").facts.heads, 3)
      << "what is not computed is not asked for";
}

TEST(Metadata, of_other_programs_that_have_not_our_form_are_passed_over) {
  const ModelConfig config = read_model_config({}, {{"classes", "3"}, {"num_heads", "many"}}, "model");
  EXPECT_TRUE(config.classes.empty());
  EXPECT_FALSE(config.facts.heads);
  EXPECT_EQ(config.notes.size(), 2u);
  const auto notes = read_model_config({}, {{"activation", "relu"}, {"pooling", "token"}}, "model").notes;
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0], AllOf(HasSubstr("activation"), HasSubstr("'relu'"), HasSubstr("passed over")));
}

TEST(Preprocessing, with_a_field_of_a_later_version_is_refused_by_name) {
  std::string text = preprocessing_json({});
  EXPECT_NO_THROW(read_preprocessing(text, "delta"));
  text.replace(text.find('{'), 1, R"({"padding":3,)");
  try {
    read_preprocessing(text, "delta");
    ADD_FAILURE() << text;
  } catch (const engine::Error& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("delta"), HasSubstr("'padding'"), HasSubstr("later version")));
  }
}

TEST(HuggingFace, activation_that_is_not_computed_is_refused) {
  const TemporaryFolder folder;
  EXPECT_TRUE(loads(folder, "config.json", R"({"hidden_act":"gelu"})"));
  EXPECT_TRUE(loads(folder, "config.json", R"({"hidden_act":"gelu_pytorch_tanh"})"));
  EXPECT_FALSE(loads(folder, "config.json", R"({"hidden_act":"relu"})"));
}

}  // namespace
}  // namespace training
