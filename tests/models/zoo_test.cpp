#include "models/zoo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "models/words.h"
#include "tests/support/compare.h"
#include "tests/support/paths.h"

namespace {

using engine::Index;
using engine::Shape;
using models::Vit;
using models::VitConfig;
using support::error_of;
using ::testing::HasSubstr;

std::map<std::string, Shape> shapes_of(Vit& model) {
  std::map<std::string, Shape> shapes;
  for (const auto& [name, parameter] : engine::parameters(model))
    shapes.emplace(name, parameter.value().shape());
  return shapes;
}

Index count_of(Vit& model) {
  Index count = 0;
  for (const auto& [name, parameter] : engine::parameters(model)) count += parameter.value().numel();
  return count;
}

/// Parameters of timm's model of these sizes, by hand: per block 4 width^2 + 2 width hidden for the
/// matrices, 9 width + hidden for their biases and the norms.
Index count_by_formula(const VitConfig& c) {
  const Index tokens = c.tokens() * c.width + c.width;
  const Index patches = c.width * c.channels * c.patch * c.patch + c.width;
  const Index block = 4 * c.width * c.width + 2 * c.width * c.hidden + 9 * c.width + c.hidden;
  return tokens + patches + c.depth * block + 2 * c.width + (c.width + 1) * c.classes;
}

void expect_same_config(const VitConfig& a, const VitConfig& b) {
  EXPECT_TRUE(a == b) << models::architecture_name(a) << " and " << models::architecture_name(b);
}

/// The parameters of a model, of which only one block of each width is made: the largest have billions.
Index parameters_by_shapes(VitConfig c) {
  const Index depth = c.depth;
  c.depth = 1;
  Vit one(c);
  c.depth = 2;
  Vit two(c);
  return count_of(one) + (depth - 1) * (count_of(two) - count_of(one));
}

const std::string kNothing = "nothing was thrown";

VitConfig small() {
  VitConfig c;
  c.image_height = c.image_width = 12, c.patch = 4, c.channels = 1, c.width = 10, c.depth = 3, c.heads = 5,
  c.hidden = 7, c.classes = 4;
  return c;
}

TEST(architecture, has_timms_parameter_counts) {
  // Printed by timm.
  const std::map<std::string, Index> counts{
      {"vit_tiny_patch16_224", 5'717'416},  {"vit_small_patch16_224", 22'050'664},
      {"vit_base_patch16_224", 86'567'656}, {"vit_large_patch16_224", 304'326'632},
      {"vit_base_patch16_384", 86'859'496}, {"deit_tiny_patch16_224", 5'717'416},
  };
  for (const auto& [name, count] : counts)
    EXPECT_EQ(count_by_formula(models::architecture(name)), count) << name;
}

TEST(architecture, makes_models_with_as_many_tensors_and_parameters_as_timm) {
  for (const auto& [name, count] :
       {std::pair{"vit_tiny_patch16_224", 5'717'416}, std::pair{"vit_base_patch16_224", 86'567'656}}) {
    Vit model(models::architecture(name));
    EXPECT_EQ(engine::parameters(model).size(), 152u);
    EXPECT_EQ(count_of(model), count) << name;
  }
}

TEST(architecture, makes_timms_shapes) {
  Vit model(models::architecture("vit_tiny_patch16_224"));
  std::map<std::string, Shape> expected{
      {"cls_token", {1, 1, 192}},
      {"pos_embed", {1, 197, 192}},
      {"patch_embed.proj.weight", {192, 3, 16, 16}},
      {"patch_embed.proj.bias", {192}},
      {"norm.weight", {192}},
      {"norm.bias", {192}},
      {"head.weight", {1000, 192}},
      {"head.bias", {1000}},
  };
  for (int i = 0; i < 12; ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    for (const char* norm : {"norm1", "norm2"}) {
      expected.emplace(block + norm + ".weight", Shape{192});
      expected.emplace(block + norm + ".bias", Shape{192});
    }
    expected.emplace(block + "attn.qkv.weight", Shape{576, 192});
    expected.emplace(block + "attn.qkv.bias", Shape{576});
    expected.emplace(block + "attn.proj.weight", Shape{192, 192});
    expected.emplace(block + "attn.proj.bias", Shape{192});
    expected.emplace(block + "mlp.fc1.weight", Shape{768, 192});
    expected.emplace(block + "mlp.fc1.bias", Shape{768});
    expected.emplace(block + "mlp.fc2.weight", Shape{192, 768});
    expected.emplace(block + "mlp.fc2.bias", Shape{192});
  }
  EXPECT_TRUE(shapes_of(model) == expected);
}

TEST(architecture, names_every_size_it_lists_and_back) {
  for (const std::string& name : models::architecture_names()) {
    const VitConfig c = models::architecture(name);
    EXPECT_NO_THROW(models::check_config(c)) << name;
    expect_same_config(models::architecture(models::architecture_name(c)), c);
  }
  EXPECT_EQ(models::architecture_name(models::architecture("vit_base_patch32_384")), "vit_base_patch32_384");
}

TEST(architecture, beyond_what_the_engine_computes_is_refused_with_what_it_has) {
  int made = 0, refused = 0;
  for (const models::Architecture& a : models::known_architectures()) {
    const bool can = !*a.beyond;
    const std::string error = error_of([&] { models::architecture(a.name); });
    EXPECT_EQ(error == kNothing, can) << a.name << ": " << error;
    if (!can) {
      EXPECT_THAT(error, HasSubstr(a.name));
      EXPECT_THAT(error, HasSubstr(a.beyond));
    }
    ++(can ? made : refused);
  }
  EXPECT_EQ(made, 223) << "timm's 222 and the demo's";
  EXPECT_EQ(refused, 11);
}

/// timm's models as they were read: one line each, of named columns.
std::vector<std::map<std::string, std::string>> timms_models(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::map<std::string, std::string>> rows;
  std::vector<std::string> titles;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, '\t');) cells.push_back(cell);
    if (titles.empty()) {
      titles = cells;
      continue;
    }
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < cells.size(); ++i) row[titles[i]] = cells[i];
  }
  return rows;
}

/// The rows of a table of golden/backbones, or nothing with a skipped test.
std::vector<std::map<std::string, std::string>> golden_table(const char* name) {
  const std::filesystem::path table = support::shared_dir() / "golden/backbones" / name;
  return std::filesystem::exists(table) ? timms_models(table)
                                        : std::vector<std::map<std::string, std::string>>();
}

std::string timms_pooling(models::Pooling pooling) {
  return std::string(models::word_of(pooling));
}

TEST(architecture, of_every_name_is_timms_or_refused) {
  const auto table = golden_table("architectures.tsv");
  if (table.empty()) GTEST_SKIP() << "needs golden/backbones/architectures.tsv";
  for (const auto& row : table) {
    const std::string& name = row.at("architecture");
    const models::Architecture* const a = models::find_architecture(name);
    ASSERT_NE(a, nullptr) << name;
    const VitConfig& c = a->config;
    EXPECT_EQ(std::to_string(c.heads), row.at("heads")) << name;
    EXPECT_EQ(std::to_string(c.width), row.at("width")) << name;
    EXPECT_EQ(std::to_string(c.depth), row.at("depth")) << name;
    EXPECT_EQ(std::to_string(c.hidden), row.at("mlp_hidden")) << name;
    EXPECT_EQ(std::to_string(c.patch), row.at("patch")) << name;
    EXPECT_EQ(c.norm_eps, std::stod(row.at("eps"))) << name;
    EXPECT_EQ(timms_pooling(c.pooling), row.at("global_pool")) << name;
    const bool gated = c.mlp != models::MlpForm::plain;
    EXPECT_EQ(gated ? "silu" : std::string(models::word_of(c.activation)), row.at("act")) << name;
  }
  EXPECT_EQ(table.size(), 233u);
}

// Two blocks of the widest take gigabytes, and much time where a sanitizer looks on.
#if defined(__SANITIZE_ADDRESS__)
#define ESPALIER_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ESPALIER_SANITIZED 1
#endif
#endif
#ifdef ESPALIER_SANITIZED
constexpr Index kWidest = 1024;
#else
constexpr Index kWidest = 1792;
#endif

TEST(architecture, of_every_name_has_timms_number_of_parameters) {
  const auto table = golden_table("architectures.tsv"), tags = golden_table("tags.tsv");
  if (table.empty() || tags.empty()) GTEST_SKIP() << "needs golden/backbones/architectures.tsv and tags.tsv";
  int compared = 0;
  for (const models::Architecture& a : models::known_architectures()) {
    if (*a.beyond || std::string_view(a.name) == "vit_demo_patch4_28") continue;
    if (a.config.width > kWidest) continue;
    VitConfig headless = a.config;
    headless.classes = 0;
    const Index body = parameters_by_shapes(headless);
    std::set<Index> counts;  // with the classes of each of its checkpoints
    for (const auto& tag : tags) {
      const std::string& name = tag.at("tag");
      if (name.substr(0, name.find('.')) != a.name) continue;
      const Index heads = 1 + a.config.distillation_token;
      counts.insert(body + heads * std::stoll(tag.at("classes")) * (a.config.head_width() + 1));
    }
    EXPECT_TRUE(counts.contains(a.parameters))
        << a.name << ": " << a.parameters << " of timm, here " << ::testing::PrintToString(counts);
    ++compared;
  }
  EXPECT_GT(compared, kWidest > 1100 ? 200 : 150);
}

TEST(architecture, tells_the_nearest_names_of_a_misspelt_one) {
  const std::string error = error_of([] { models::architecture("vit_bass_patch16_224"); });
  EXPECT_TRUE(error.starts_with("unknown architecture 'vit_bass_patch16_224'; did you mean")) << error;
  EXPECT_NE(error.find("vit_base_patch16_224"), std::string::npos) << error;
}

TEST(architecture_name, does_not_depend_on_the_classes) {
  VitConfig c = models::architecture("vit_small_patch32_224");
  c.classes = 7;
  EXPECT_EQ(models::architecture_name(c), "vit_small_patch32_224");
}

TEST(architecture_name, describes_sizes_without_a_name) {
  VitConfig c = models::architecture("vit_small_patch32_224");
  c.depth = 11;
  EXPECT_EQ(models::architecture_name(c), "vit_384w_11d_patch32_224");
}

TEST(config_from_shapes, finds_the_sizes_of_any_model) {
  VitConfig no_bias = small(), one_block = small(), wide = small();
  no_bias.qkv = models::QkvForm::joint_without_bias;
  one_block.depth = 1, one_block.image_height = one_block.image_width = 4;
  wide.width = 128, wide.heads = 2, wide.channels = 3, wide.depth = 12;
  for (const VitConfig& c : {small(), no_bias, one_block, wide}) {
    Vit model(c);
    expect_same_config(models::config_from_shapes(shapes_of(model), models::facts_of(c)), c);
  }
}

/// A plain model of that width.
Index heads_of(Index width, bool torchvision) {
  VitConfig c;
  c.width = width;
  return models::usual_heads(c, torchvision);
}

TEST(usual_heads, are_those_of_64_channels_where_no_known_model_has_others) {
  EXPECT_EQ(heads_of(128, false), 2);
  EXPECT_EQ(heads_of(192, false), 3);
  EXPECT_EQ(heads_of(1024, false), 16);
  EXPECT_THAT(error_of([] { heads_of(1280, false); }), HasSubstr("vit_huge_patch14_224"));
  EXPECT_THAT(error_of([] { heads_of(64, false); }), HasSubstr("test_vit"));
  EXPECT_THAT(error_of([] { heads_of(48, false); }), HasSubstr("no multiple"));
}

TEST(usual_heads, are_torchvisions_in_a_file_with_its_names) {
  EXPECT_EQ(heads_of(1280, true), 16) << "vit_h_14";
  EXPECT_EQ(heads_of(768, true), 12);
  EXPECT_EQ(heads_of(64, true), 1);
  EXPECT_THAT(error_of([] { heads_of(48, true); }), HasSubstr("no multiple"));
}

TEST(config_from_shapes, takes_the_usual_heads_when_nothing_is_stored) {
  VitConfig c = small();
  c.width = 128, c.heads = 2;
  Vit model(c);
  EXPECT_EQ(models::config_from_shapes(shapes_of(model), {}).heads, 2);
  c.width = 10, c.heads = 1;
  Vit narrow(c);
  EXPECT_THAT(error_of([&] { models::config_from_shapes(shapes_of(narrow), {}); }),
              HasSubstr("number of heads"));
}

TEST(config_from_shapes, gives_no_classes_to_a_checkpoint_without_a_head) {
  Vit model(small());
  auto shapes = shapes_of(model);
  shapes.erase("head.weight"), shapes.erase("head.bias");
  EXPECT_EQ(models::config_from_shapes(shapes, {.heads = 5}).classes, 0);
}

TEST(config_from_shapes, names_a_missing_tensor) {
  Vit model(small());
  for (const char* name : {"patch_embed.proj.weight", "blocks.0.attn.qkv.weight", "blocks.0.mlp.fc1.weight",
                           "blocks.0.mlp.fc2.weight"}) {
    auto shapes = shapes_of(model);
    shapes.erase(name);
    EXPECT_EQ(error_of([&] { models::config_from_shapes(shapes, {.heads = 5}); }),
              std::string("not a Vision Transformer with timm's names: there is no ") + name);
  }
}

TEST(config_from_shapes, asks_what_stands_in_the_place_of_positions) {
  Vit model(small());
  auto shapes = shapes_of(model);
  shapes.erase("pos_embed");
  EXPECT_THAT(error_of([&] { models::config_from_shapes(shapes, {.heads = 5}); }),
              HasSubstr("there is no pos_embed, and nothing states which rotary position embeddings"));
}

TEST(config_from_shapes, counts_blocks_behind_a_missing_tensor) {
  Vit model(small());
  auto shapes = shapes_of(model);
  shapes.erase("blocks.1.attn.qkv.weight");
  EXPECT_EQ(models::config_from_shapes(shapes, {.heads = 5}).depth, small().depth);
  shapes = shapes_of(model);
  shapes.erase("blocks." + std::to_string(small().depth - 1) + ".attn.qkv.weight");
  EXPECT_EQ(models::config_from_shapes(shapes, {.heads = 5}).depth, small().depth);
}

TEST(config_from_shapes, builds_no_blocks_that_a_stray_number_promises) {
  Vit model(small());
  auto shapes = shapes_of(model);
  for (const char* name : {"blocks.99999999999999999999.x", "blocks.-3.x", "blocks.77", "blocks.x.y"})
    shapes[name] = {1};
  EXPECT_EQ(models::config_from_shapes(shapes, {.heads = 5}).depth, small().depth);
  shapes["blocks.1000000.x"] = {1};
  EXPECT_TRUE(error_of([&] {
                models::config_from_shapes(shapes, {.heads = 5});
              }).starts_with("there is a block 1000000"));
}

TEST(config_from_shapes, refuses_sizes_that_make_no_network) {
  Vit model(small());
  const auto error_with = [&](const std::string& name, Shape shape, std::optional<Index> heads = 5) {
    auto shapes = shapes_of(model);
    shapes[name] = std::move(shape);
    return error_of([&] { models::config_from_shapes(shapes, {.heads = heads}); });
  };
  EXPECT_EQ(error_with("pos_embed", {1, 10, 10}, 3), "vit: width 10 is not a multiple of 3 heads");
  EXPECT_EQ(error_with("pos_embed", {1, 10, 10}, 0), "vit: width 10 is not a multiple of 0 heads");
  EXPECT_EQ(error_with("patch_embed.proj.weight", {10, 48}),
            "patch_embed.proj.weight should have 4 axes, not [10, 48]");
  EXPECT_EQ(error_with("patch_embed.proj.weight", {10, 1, 4, 3}),
            "patch_embed.proj.weight: patches must be square, not [10, 1, 4, 3]");
  EXPECT_EQ(
      error_with("pos_embed", {1, 8, 10}),
      "pos_embed: [1, 8, 10] is no square grid of patches with or without 1 prefix tokens, and nothing states another image size");
  EXPECT_EQ(error_with("pos_embed", {1, 10, 9}),
            "pos_embed: [1, 10, 9] should be [1, tokens, width], the width being 10");
}

TEST(config_from_shapes, promises_no_model_that_is_much_larger_than_the_file) {
  Vit model(small());
  const auto refused = [&](const std::map<std::string, Shape>& changed) {
    auto shapes = shapes_of(model);
    for (const auto& [name, shape] : changed) shapes[name] = shape;
    return error_of([&] { models::config_from_shapes(shapes, {.heads = 5}); })
        .starts_with("the shapes describe a model of");
  };
  EXPECT_TRUE(refused({{"blocks.0.mlp.fc2.weight", {0, 1'000'000'000'000}}}));
  EXPECT_TRUE(refused({{"head.weight", {1'000'000'000'000, 0}}}));
  EXPECT_TRUE(refused({{"patch_embed.proj.weight", {100'000, 1, 1, 1}}, {"pos_embed", {1, 2, 100'000}}}));
  EXPECT_FALSE(refused({{"head.weight", {10'000, 10}}}));
}

}  // namespace
