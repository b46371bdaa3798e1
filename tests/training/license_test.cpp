// Who states the licence of a checkpoint and whose word counts, and what is said of an unknown architecture.

#include "tools/training/pretrained/license.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/zoo.h"
#include "tests/engine/io/temporary_folder.h"
#include "tools/training/pretrained/model_config.h"

namespace training {
namespace {

using engine::put;
using engine::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string license_of(const std::string& config, const engine::Metadata& metadata = {}) {
  const TemporaryFolder folder;
  put(folder / "config.json", config);
  return stated_license(folder.path(), metadata);
}

TEST(License, is_what_timms_config_states) {
  EXPECT_EQ(license_of(R"({"pretrained_cfg":{"license":"mit"}})"), "mit");
  EXPECT_EQ(license_of(R"({"architecture":"vit_base_patch16_224","license":"mit"})"), "mit")
      << "the flat form";
  EXPECT_EQ(license_of(R"({"pretrained_cfg":{}})"), "");
  EXPECT_EQ(license_of(R"({"model_type":"vit","license":"mit"})"), "") << "not timm's";
}

TEST(License, that_a_config_leaves_out_is_that_of_the_checkpoint_it_names) {
  EXPECT_EQ(license_of(R"({"architecture":"vit_base_patch16_dinov3","pretrained_cfg":{"tag":"lvd1689m"}})"),
            "dinov3-license");
  EXPECT_EQ(license_of(R"({"architecture":"vit_base_patch16_dinov3.lvd1689m","pretrained_cfg":{}})"),
            "dinov3-license");
  EXPECT_EQ(license_of(R"({"pretrained_cfg":{"architecture":"vit_base_patch16_dinov3","tag":"lvd1689m"}})"),
            "dinov3-license");
  EXPECT_EQ(license_of(R"({"architecture":"vit_base_patch16_dinov3","pretrained_cfg":{"tag":"mine"}})"), "");
  EXPECT_EQ(
      license_of(
          R"({"architecture":"vit_base_patch16_dinov3","pretrained_cfg":{"tag":"lvd1689m","license":"mit"}})"),
      "mit")
      << "what is stated counts";
}

TEST(License, in_metadata_counts_where_this_program_wrote_them_or_nothing_else_states_one) {
  const std::string config = R"({"pretrained_cfg":{"license":"mit"}})";
  engine::Metadata metadata{{"license", "cc-by-nc-4.0"}};
  EXPECT_EQ(license_of(config, metadata), "mit");
  EXPECT_EQ(license_of(R"({"pretrained_cfg":{}})", metadata), "cc-by-nc-4.0");
  EXPECT_EQ(stated_license({}, metadata), "cc-by-nc-4.0") << "no folder belongs to the file";
  metadata.insert({{"arch", "a"}, {"num_heads", "3"}, {"classes", "[]"}, {"preprocessing", "{}"}});
  EXPECT_EQ(license_of(config, metadata), "cc-by-nc-4.0");
  metadata.erase("license");
  EXPECT_EQ(license_of(config, metadata), "") << "the config beside it is of other weights";
}

TEST(License, that_is_no_text_is_refused_with_the_file) {
  try {
    license_of(R"({"pretrained_cfg":{"license":5}})");
    ADD_FAILURE() << "taken";
  } catch (const engine::Error& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("config.json: "), HasSubstr("license should be a name, not 5")));
  }
}

std::vector<std::string> notes_on(const models::VitConfig& tensors) {
  const TemporaryFolder folder;
  put(folder / "config.json", R"({"architecture":"vit_of_tomorrow","pretrained_cfg":{}})");
  ModelConfig config = read_model_config(folder.path(), {}, "model");
  check_sizes(config, tensors);
  return config.notes;
}

TEST(UnknownArchitecture, of_a_plain_vit_is_taken_for_one) {
  EXPECT_THAT(
      notes_on(models::architecture("vit_tiny_patch16_224")),
      ElementsAre(AllOf(HasSubstr("vit_of_tomorrow"), HasSubstr("is taken to be that of a plain ViT"))));
}

TEST(UnknownArchitecture, of_other_parts_is_noted_with_these) {
  EXPECT_THAT(notes_on(models::architecture("vit_small_patch14_reg4_dinov2")),
              ElementsAre(AllOf(HasSubstr("vit_of_tomorrow"),
                                HasSubstr("no plain ViT (registers: 4; LayerScale)"), HasSubstr("a guess"))));
}

TEST(KnownArchitecture, with_parts_beyond_the_engine_is_refused_with_these_and_the_families_there_are) {
  const TemporaryFolder folder;
  put(folder / "config.json", R"({"architecture":"vit_dwee_patch16_reg1_gap_256","pretrained_cfg":{}})");
  try {
    read_model_config(folder.path(), {}, "model");
    ADD_FAILURE() << "taken";
  } catch (const engine::Error& e) {
    EXPECT_THAT(e.what(),
                AllOf(HasSubstr("config.json: "), HasSubstr("'vit_dwee_patch16_reg1_gap_256' has"),
                      HasSubstr("differential attention"),
                      HasSubstr("not implemented; implemented are: ViT,"), HasSubstr("DINOv2, DINOv3")));
    EXPECT_LT(std::string_view(e.what()).size(), 600u) << "one line, families and not names";
  }
}

}  // namespace
}  // namespace training
