// `models`, and what other commands make of its names: `count` without a head, and the licence of a
// checkpoint.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "engine/io/safetensors.h"
#include "models/checkpoints.h"
#include "models/families.h"
#include "tests/end_to_end/garden.h"
#include "tests/support/paths.h"

namespace cli {
namespace {

using end_to_end::Garden;
using end_to_end::Json;
using end_to_end::Outcome;
using end_to_end::read_text;
using end_to_end::run;
using end_to_end::Words;
using end_to_end::write_text;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Models, lists_every_family_with_what_is_special_about_it) {
  const Outcome list = run({"models"});
  EXPECT_EQ(list.status, 0);
  EXPECT_EQ(list.err, "");
  for (const models::Family& family : models::families())
    EXPECT_THAT(list.out, HasSubstr("\n" + std::string(family.name) + " "));
  EXPECT_THAT(list.out,
              HasSubstr("LayerScale; some: registers: 4; tokens with a position: patches; MLP: SwiGLU"));
  EXPECT_THAT(list.out, HasSubstr("(not implemented: 5 of 5)"));
  EXPECT_LE(std::ranges::count(list.out, '\n'), 90) << "a short table";
}

TEST(Models, shows_the_architectures_of_a_family_or_a_glob_in_lines) {
  const Outcome family = run({"models", "DINOv2"}), glob = run({"models", "vit_*_dinov2"});
  EXPECT_EQ(family.out, glob.out);
  EXPECT_EQ(std::ranges::count(family.out, '\n'), 9) << "eight and the titles";
  EXPECT_THAT(family.out, HasSubstr("vit_small_patch14_dinov2 "));
  EXPECT_THAT(run({"models", "Sapiens2"}).out, HasSubstr("not implemented: "));
}

TEST(Models, shows_a_page_of_a_name_with_its_checkpoints_and_their_licences) {
  const std::string page = run({"models", "vit_small_patch14_dinov2"}).out;
  EXPECT_THAT(page, AllOf(HasSubstr("22,056,192 parameters"), HasSubstr("width 384, depth 12, heads 6"),
                          HasSubstr("patch 14, image 518"), HasSubstr("features: LayerScale")));
  EXPECT_THAT(page, AllOf(HasSubstr("https://huggingface.co/timm/vit_small_patch14_dinov2.lvd142m"),
                          HasSubstr("license apache-2.0"), HasSubstr("no head"),
                          HasSubstr("mean 0.485,0.456,0.406, std 0.229,0.224,0.225")));
  EXPECT_THAT(run({"models", "vit_dwee_patch16_reg1_gap_256"}).out,
              HasSubstr("not implemented: differential attention"));
  const std::string one = run({"models", "vit_tiny_patch16_224.augreg_in21k"}).out;
  EXPECT_THAT(one, AllOf(HasSubstr("augreg_in21k\n"), Not(HasSubstr("augreg_in21k_ft_in1k"))));
}

TEST(Models, refuses_what_is_no_name_with_the_nearest) {
  EXPECT_THAT(run({"models", "vit_smal_patch14_dinov2"}).error(2), HasSubstr("vit_small_patch14_dinov2"));
  EXPECT_THAT(run({"models", "DINOv4"}).error(2), HasSubstr("DINOv3"));
}

/// The rows of a table of golden/backbones by title; none where it is not there.
std::vector<std::map<std::string, std::string>> golden_rows(const char* name) {
  std::ifstream file(support::shared_dir() / "golden/backbones" / name);
  std::vector<std::string> titles;
  std::vector<std::map<std::string, std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, '\t');) cells.push_back(cell);
    if (titles.empty()) {
      titles = cells;
      continue;
    }
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < titles.size(); ++i) row[titles[i]] = i < cells.size() ? cells[i] : "";
  }
  return rows;
}

/// "0.485,0.456,0.406" and [0.485, 0.456, 0.406].
void expect_three(const std::string& text, const Json& values, const std::string& tag) {
  std::istringstream in(text);
  for (std::size_t i = 0; i < 3; ++i) {
    std::string value;
    std::getline(in, value, ',');
    EXPECT_DOUBLE_EQ(values.at(i).get<double>(), std::stod(value)) << tag;
  }
}

TEST(Models, has_every_architecture_and_every_checkpoint_that_timm_has) {
  const auto architectures = golden_rows("architectures.tsv"), tags = golden_rows("tags.tsv");
  if (architectures.empty() || tags.empty()) GTEST_SKIP() << "needs golden/backbones";
  const Json all = run({"models", "--json"}).json();
  std::map<std::string, Json> by_name, by_tag;
  for (const Json& a : all["architectures"]) {
    by_name[a["name"]] = a;
    for (const Json& c : a["checkpoints"]) by_tag[c["tag"]] = c;
  }
  for (const auto& row : architectures) {
    const std::string& name = row.at("architecture");
    ASSERT_TRUE(by_name.contains(name)) << name;
    const Json& a = by_name.at(name);
    for (const char* size : {"heads", "width", "depth", "patch", "parameters"})
      EXPECT_EQ(a[size].dump(), row.at(size)) << name << ' ' << size;
    EXPECT_EQ(std::to_string(a["checkpoints"].size()), row.at("tags")) << name;
  }
  EXPECT_EQ(by_name.size(), architectures.size() + 1) << "and the demo's";
  for (const auto& row : tags) {
    const std::string& tag = row.at("tag");
    ASSERT_TRUE(by_tag.contains(tag)) << tag;
    const Json& c = by_tag.at(tag);
    EXPECT_EQ(c["classes"].dump(), row.at("classes")) << tag;
    EXPECT_EQ("3x" + c["image"][0].dump() + "x" + c["image"][1].dump(), row.at("input")) << tag;
    EXPECT_DOUBLE_EQ(c["crop_pct"].get<double>(), std::stod(row.at("crop_pct"))) << tag;
    for (const char* word : {"crop_mode", "interpolation", "hub_id", "license"})
      EXPECT_EQ(c[word], row.at(word)) << tag << ' ' << word;
    expect_three(row.at("mean"), c["mean"], tag);
    expect_three(row.at("std"), c["std"], tag);
  }
  EXPECT_EQ(by_tag.size(), tags.size());
}

TEST(Models, as_json_of_names_has_these_alone) {
  const Json one = run({"models", "vit_small_patch14_dinov2", "--json"}).json();
  ASSERT_EQ(one["families"].size(), 1u);
  EXPECT_EQ(one["families"][0]["name"], "DINOv2");
  ASSERT_EQ(one["architectures"].size(), 1u);
  EXPECT_EQ(one["architectures"][0]["not_implemented"], "");
  EXPECT_EQ(one["architectures"][0]["features"], Json::array({"LayerScale"}));
}

TEST(Count, without_a_head_gives_timms_number_for_checkpoints_without_one) {
  for (const char* tag : {"vit_small_patch14_dinov2.lvd142m", "vit_small_patch14_reg4_dinov2.lvd142m",
                          "vit_base_patch16_siglip_224.webli", "vit_small_patch16_dinov3.lvd1689m",
                          "eva02_tiny_patch14_224.mim_in22k"}) {
    const models::PublishedCheckpoint* const checkpoint = models::find_checkpoint(tag);
    ASSERT_NE(checkpoint, nullptr) << tag;
    ASSERT_EQ(checkpoint->classes, 0) << tag;
    const std::string name(models::architecture_of(tag));
    const Json json = run({"count", "--arch", name, "--classes", "0", "--method", "gps", "--json"}).json();
    EXPECT_EQ(json["total"], models::find_architecture(name)->parameters) << tag;
    EXPECT_EQ(json["head"], 0) << tag;
  }
  EXPECT_THAT(run({"count", "--arch", "vit_tiny_patch16_224"}).error(2), HasSubstr("--classes"));
  EXPECT_THAT(run({"count", "--arch", "vit_tiny_patch16_224", "--classes", "-1"}).error(2),
              HasSubstr("--classes takes 0 or more"));
}

TEST(Count, of_the_documented_models_is_what_the_documentation_says) {
  const std::string page = read_text(ESPALIER_SOURCE_DIR "/docs/models.md");
  for (const char* name : {"vit_base_patch14_dinov2", "vit_base_patch16_siglip_224",
                           "vit_base_patch16_clip_224", "vit_base_patch16_dinov3"}) {
    std::string row = "| `" + std::string(name) + "` |";
    std::string total;
    for (const char* method : {"grft", "gps", "sift"}) {
      const std::string out = run({"count", "--arch", name, "--classes", "0", "--method", method}).out;
      const std::string line = out.substr(out.rfind("trainable"));
      std::string word, trainable;
      std::istringstream(line) >> word >> trainable;
      const std::size_t of = line.find(" of "), colon = line.find(": ");
      total = line.substr(of + 4, colon - of - 4);
      row += " " + trainable + " (" + line.substr(colon + 2, line.find(" %") - colon - 2) + " %) |";
    }
    EXPECT_THAT(page, HasSubstr(row + " " + total + " |")) << name;
  }
}

TEST(License, of_a_checkpoint_is_shown_and_carried_into_a_merged_file) {
  const Garden garden;
  write_text(garden / "config.json",
             R"({"model_args":{"num_heads":3},"pretrained_cfg":{"license":"cc-by-nc-4.0"}})");
  EXPECT_EQ(run({"inspect", garden.path(), "--json"}).json()["license"], "cc-by-nc-4.0");
  EXPECT_THAT(run({"inspect", garden.path()}).out, HasSubstr("\nlicense cc-by-nc-4.0\n"));
  garden.tune("linear");
  const std::string merged = garden / "merged.safetensors", again = garden / "again.safetensors";
  const std::string delta = garden.run_folder() + "/delta.safetensors";
  ASSERT_EQ(run({"merge", "--model", garden.model(), "--delta", delta, "--out", merged}).status, 0);
  EXPECT_EQ(engine::Safetensors(merged).metadata().at("license"), "cc-by-nc-4.0");
  EXPECT_THAT(run({"inspect", merged}).out, HasSubstr("  license: cc-by-nc-4.0\n"));

  ASSERT_EQ(run(Words{"tune", "--model", merged, "--data", garden.data(), "--method", "linear", "--steps",
                      "1", "--batch-size", "6", "--out", garden.run_folder("second")})
                .status,
            0);
  ASSERT_EQ(run({"merge", "--model", merged, "--delta", garden.run_folder("second") + "/delta.safetensors",
                 "--out", again})
                .status,
            0);
  EXPECT_EQ(engine::Safetensors(again).metadata().at("license"), "cc-by-nc-4.0");
}

TEST(License, that_nothing_states_is_in_no_merged_file) {
  const Garden garden;
  garden.tune("linear");
  const std::string merged = garden / "merged.safetensors";
  ASSERT_EQ(run({"merge", "--model", garden.model(), "--delta", garden.run_folder() + "/delta.safetensors",
                 "--out", merged})
                .status,
            0);
  EXPECT_FALSE(engine::Safetensors(merged).metadata().contains("license"));
  EXPECT_FALSE(run({"inspect", garden.model(), "--json"}).json().contains("license"));
}

TEST(Inspect, of_a_model_with_a_damaged_config_notes_it_and_shows_the_rest) {
  const Garden garden;
  write_text(garden / "config.json", "{");
  const Outcome outcome = run({"inspect", garden.path()});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.err, HasSubstr("note: license: "));
  EXPECT_THAT(outcome.out, HasSubstr("patch_embed.proj.weight"));
}

}  // namespace
}  // namespace cli
