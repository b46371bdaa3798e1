// Random configs of every kind beside one checkpoint, read by the program and by a second reader: this file,
// which knows what it has drawn. Nothing may be silently wrong: what changes numbers is obeyed or refused by
// name.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "engine/tensor/random.h"
#include "tests/support/sanitizer.h"
#include "tests/training/small_checkpoint.h"
#include "tools/training/pretrained/config_fields.h"

namespace training {
namespace {

using data::Preprocessing;
using engine::Index;
using engine::Json;
using Crop = Preprocessing::CropStart;
using Mode = Preprocessing::Mode;

/// What must come of a checkpoint.
struct Expected {
  std::vector<std::string> refused;  ///< any of these may be what the error names; empty: it loads
  std::vector<std::string> noted;    ///< each must be in a note
  std::optional<Index> heads;
  double eps = 1e-6;
  std::optional<Preprocessing> how;
  bool softmax = true, named = false;
};

/// Draws one config after another.
class Sweep {
 public:
  explicit Sweep(std::uint64_t seed) : random_(seed, engine::Random::Use::test) {}

  bool chance(double p) { return random_.uniform() < p; }
  template <class T>
  const T& any(const std::vector<T>& all) {
    return all[static_cast<std::size_t>(random_.uniform() * static_cast<double>(all.size()))];
  }

  /// Fields of a form that is read over: silent ones, fixed ones with a right and now and then a wrong value,
  /// and such as no table has.
  void others(ConfigForm form, const std::string& prefix, Json& json, Expected& e) {
    for (const ConfigField& field : config_fields()) {
      if (field.form != form || json.contains(field.name) || field.name == std::string("architecture"))
        continue;
      if (field.meaning == ConfigField::Meaning::silent && chance(0.1)) {
        json[field.name] = any<Json>({"word", 7, true, nullptr, 0.5});
      } else if (field.meaning == ConfigField::Meaning::fixed && chance(0.15)) {
        const Json values = Json::parse(field.values);
        if (values.empty() || chance(0.03)) {
          json[field.name] = chance(0.97) ? Json(nullptr) : Json("another value");
        } else {
          json[field.name] = values[0];
        }
        if (json[field.name] == "another value") e.refused.push_back(prefix + field.name);
      }
    }
    if (!chance(0.15)) return;
    const std::string name = any<std::string>({"mystery", "new_norm", "rope_theta", "num_memory_tokens"});
    json[name] = any<Json>({1, "x", true});
    e.noted.push_back(prefix + name);
  }

  /// A size that the tensors have, left out, right or now and then wrong.
  void size(Json& json, const std::string& name, Index right, const std::string& shown, Expected& e) {
    if (chance(0.6)) return;
    json[name] = right;
    if (!chance(0.03)) return;
    json[name] = right + 8;
    e.refused.push_back(shown);
  }

  void labels(Json& to, const std::string& name, Expected& e, bool as_object) {
    if (chance(0.4)) return;
    std::vector<std::string> names{"a", "b", "c", "d", "e"};
    if (chance(0.1)) {
      names.pop_back();
      e.noted.emplace_back("4 names");
    } else if (chance(0.1)) {
      names[4] = "a";
      e.noted.emplace_back("two classes are called");
    } else if (as_object && chance(0.1)) {
      for (std::size_t i = 0; i < 5; ++i) names[i] = "LABEL_" + std::to_string(i);
    } else {
      e.named = true;
    }
    if (!as_object) {
      to[name] = names;
      return;
    }
    for (std::size_t i = 0; i < names.size(); ++i) to[name][std::to_string(i)] = names[i];
  }

  /// One of three numbers for each channel, or nothing.
  void three(Json& json, const std::string& name, std::array<float, 3>& to) {
    if (chance(0.5)) return;
    to = any<std::array<float, 3>>({{0.25f, 0.5f, 0.75f}, {1, 1, 1}, {0.5f, 0.5f, 0.5f}});
    json[name] = to;
  }

  Expected timm(Json& root, bool flat) {
    Expected e;
    Json args = Json::object(), cfg = Json::object();
    root["architecture"] = "vit_tiny_patch16_224";
    e.heads = 3;
    if (chance(0.2)) root["architecture"] = "vit_small_patch32_384.some_tag", e.heads = 6;
    if (chance(0.05)) root["architecture"] = "my_vit", e.noted.emplace_back("my_vit"), e.heads = {};
    for (const char* beyond :
         {"deit3_small_patch16_224", "vit_base_patch16_clip_224", "beit_base_patch16_224"})
      if (chance(0.02)) root["architecture"] = beyond, e.refused.emplace_back(beyond);
    // The tensors are smaller than any architecture's.
    args = {{"embed_dim", 24}, {"depth", 2}, {"patch_size", 8}, {"mlp_ratio", 2.0}};
    for (const char* name : {"embed_dim", "depth", "patch_size", "mlp_ratio"})
      if (chance(0.01)) args[name] = 7, e.refused.push_back(name);
    if (!e.heads || chance(0.5)) args["num_heads"] = *(e.heads = any<Index>({1, 2, 4, 8, 12}));
    if (chance(0.3)) args["global_pool"] = "token";
    if (chance(0.02))
      args["global_pool"] = any<std::string>({"avg", "map", ""}), e.refused.emplace_back("pool");
    if (chance(0.3)) args["act_layer"] = "gelu";
    if (chance(0.02)) args["act_layer"] = "relu", e.refused.emplace_back("act_layer");
    if (chance(0.1)) args["norm_layer"] = "layernorm";
    if (chance(0.02)) args["norm_layer"] = "rmsnorm", e.refused.emplace_back("norm_layer");
    if (chance(0.3)) args["qkv_bias"] = true;
    if (chance(0.02)) args["qkv_bias"] = false, e.refused.emplace_back("queries, keys");
    if (chance(0.02)) args["init_values"] = 1e-5, e.refused.emplace_back("LayerScale");
    if (chance(0.02)) args["reg_tokens"] = 4, e.refused.emplace_back("registers");
    if (chance(0.02)) args["class_token"] = false, e.refused.emplace_back("class token");
    if (chance(0.02)) args["pre_norm"] = true, e.refused.emplace_back("norm before the blocks");
    if (chance(0.5)) args["img_size"] = any<Json>({16, Json::array({16, 16})});
    if (chance(0.02)) args["img_size"] = Json::array({16, 64}), e.refused.emplace_back("img_size");
    if (chance(0.2)) root["global_pool"] = "avg";  // timm passes it over

    Preprocessing how{.size = 16,
                      .mode = Mode::crop,
                      .crop_pct = 0.875,
                      .mean = {0.485f, 0.456f, 0.406f},
                      .std = {0.229f, 0.224f, 0.225f}};
    three(cfg, "mean", how.mean), three(cfg, "std", how.std);
    if (chance(0.5)) how.crop_pct = any<double>({0.8, 1.0, 0.9}), cfg["crop_pct"] = how.crop_pct.height;
    if (chance(0.5)) cfg["crop_mode"] = any<std::string>({"center", "squash"});
    if (cfg.value("crop_mode", "") == "squash")
      how.mode = how.crop_pct == 1 ? Mode::squash : Mode::squash_crop;
    if (chance(0.02)) cfg["crop_mode"] = "border", e.refused.emplace_back("crop_mode");
    if (chance(0.5)) cfg["interpolation"] = "bilinear", how.filter = data::Filter::bilinear;
    if (chance(0.02)) cfg["interpolation"] = "lanczos", e.refused.emplace_back("lanczos");
    if (chance(0.5)) cfg["input_size"] = Json::array({3, 16, 16});
    if (chance(0.02)) cfg["input_size"] = Json::array({3, 16, 64}), e.refused.emplace_back("input_size");
    if (chance(0.02)) cfg["input_size"] = Json::array({1, 16, 16}), e.refused.emplace_back("in_chans");
    if (chance(0.02) && !args.contains("img_size") && cfg.contains("input_size") && e.refused.empty())
      cfg["input_size"] = Json::array({3, 32, 32}), e.noted.emplace_back("input_size");
    e.how = how;
    labels(chance(0.5) ? root : cfg, "label_names", e, false);
    others(ConfigForm::timm_args, "model_args.", args, e);
    others(ConfigForm::timm_cfg, flat ? "" : "pretrained_cfg.", cfg, e);
    if (chance(0.9) || !e.heads) root["model_args"] = args;
    if (!root.contains("model_args")) {  // the sizes of the architecture are not those of the tensors
      e = {.refused = {"model_args", "number of heads", "lanczos"}, .noted = {}, .heads = {}, .how = {}};
      e.refused.push_back(root["architecture"]);
      for (const auto& [name, value] : cfg.items()) e.refused.push_back(name);
    }
    if (flat)
      root.update(cfg);
    else
      root["pretrained_cfg"] = cfg;
    if (chance(0.3)) root["num_features"] = 24, root["num_classes"] = 5;
    return e;
  }

  Expected hugging_face(Json& json) {
    Expected e;
    const std::string type = any<std::string>({"", "vit", "vit", "vit", "vit_msn", "vit_mae"});
    if (!type.empty()) {
      json["model_type"] = type;
      e.heads = 12, e.eps = type == "vit_msn" ? 1e-6 : 1e-12;
    }
    if (chance(0.03))
      json["model_type"] = any<std::string>({"swin", "siglip2", "hiera"}),
      e.refused.emplace_back("model_type");
    if (chance(0.6)) json["num_attention_heads"] = *(e.heads = any<Index>({1, 2, 3, 4, 6}));
    if (!e.heads) e.refused.emplace_back("number of heads");
    if (chance(0.5)) json["layer_norm_eps"] = e.eps = any<double>({1e-5, 1e-6, 1e-12});
    if (chance(0.5)) json["hidden_act"] = "gelu";
    if (chance(0.03))
      json["hidden_act"] = any<std::string>({"gelu_new", "gelu_fast", "relu"}),
      e.refused.emplace_back("hidden_act");
    size(json, "hidden_size", 24, "hidden_size", e),
        size(json, "num_hidden_layers", 2, "num_hidden_layers", e);
    size(json, "intermediate_size", 48, "intermediate_size", e), size(json, "patch_size", 8, "patch_size", e);
    size(json, "num_channels", 3, "num_channels", e);
    if (chance(0.5)) json["image_size"] = any<Json>({16, Json::array({16, 16})});
    if (chance(0.02)) json["image_size"] = Json::array({16, 64}), e.refused.emplace_back("image_size");
    if (chance(0.02) && e.refused.empty()) json["image_size"] = 32, e.noted.emplace_back("image_size");
    if (chance(0.3)) json["qkv_bias"] = true;
    if (chance(0.02)) json["qkv_bias"] = false, e.refused.emplace_back("queries, keys");
    if (chance(0.2)) json["problem_type"] = "single_label_classification";
    if (chance(0.05))
      json["problem_type"] = any<std::string>({"regression", "multi_label_classification"}),
      e.softmax = false;
    labels(json, "id2label", e, true);
    others(ConfigForm::hugging_face, "", json, e);
    return e;
  }

  void processor(Json& json, Expected& e) {
    struct Known {
      const char* name;
      Index size;
      bool short_side, crop;
      data::Filter filter;
      std::array<float, 3> mean, std;
    };
    const std::array<float, 3> half{0.5f, 0.5f, 0.5f}, clip_mean{0.48145466f, 0.4578275f, 0.40821073f},
        clip_std{0.26862954f, 0.26130258f, 0.27577711f};
    using enum data::Filter;
    const Known known = any<Known>({{"", 224, false, false, bilinear, half, half},
                                    {"ViTImageProcessor", 224, false, false, bilinear, half, half},
                                    {"ViTFeatureExtractor", 224, false, false, bilinear, half, half},
                                    {"DeiTImageProcessor", 256, false, true, bicubic, half, half},
                                    {"BeitImageProcessorFast", 224, false, false, bicubic, half, half},
                                    {"CLIPImageProcessor", 224, true, true, bicubic, clip_mean, clip_std},
                                    {"BitImageProcessor", 224, true, true, bicubic, clip_mean, clip_std},
                                    {"SiglipImageProcessor", 224, false, false, bicubic, half, half}});
    const std::string name = known.name;
    if (!name.empty())
      json[name.starts_with("ViTF") ? "feature_extractor_type" : "image_processor_type"] = name;
    if (chance(0.02))
      json["image_processor_type"] = "StrangeImageProcessor", e.refused.emplace_back("StrangeImageProcessor");
    if (chance(0.02))
      json["image_processor_type"] = "Siglip2ImageProcessor", e.refused.emplace_back("Siglip2ImageProcessor");
    Preprocessing how{.filter = known.filter, .mean = known.mean, .std = known.std};
    Index side = known.size;
    bool short_side = known.short_side, crop = known.crop;
    const bool may_crop = !name.empty() && !name.starts_with("ViT") && !name.starts_with("Siglip");
    if (chance(0.7)) {
      side = any<Index>({16, 24, 256});
      const int form = static_cast<int>(random_.uniform() * 3);
      if (form == 0) json["size"] = side;
      if (form == 1) json["size"] = {{"height", side}, {"width", side}}, short_side = false;
      if (form == 2) json["size"] = {{"shortest_edge", side}}, short_side = true;
    }
    if (may_crop && chance(0.5)) json["do_center_crop"] = crop = chance(0.5);
    if (!crop && chance(0.02)) {
      json["size"] = {{"height", 16}, {"width", 32}}, short_side = false;
      e.refused.emplace_back("the size of prepared images is 16x32");
    }
    Index cut = 224;
    if (crop && chance(0.8)) json["crop_size"] = cut = any<Index>({16, 24});
    if (!crop && short_side) e.refused.emplace_back("shortest_edge");
    if (crop && cut > side) e.refused.emplace_back("crop_size");
    if (crop) {
      how.mode = short_side ? Mode::crop : Mode::squash_crop;
      how.crop_start = Crop::floor;
      how.crop_pct = static_cast<double>(cut) / static_cast<double>(side);
    }
    how.size = 16;
    if (chance(0.5)) json["resample"] = 3, how.filter = bicubic;
    if (chance(0.02)) json["resample"] = 1, e.refused.emplace_back("resample");
    three(json, "image_mean", how.mean), three(json, "image_std", how.std);
    if (json.value("image_processor_type", "") == "StrangeImageProcessor")
      json.erase("resample");  // a class that is not known may not leave out anything
    if (chance(0.2)) json["do_normalize"] = false, how.mean = {0, 0, 0}, how.std = {1, 1, 1};
    float scale = 1;  // of a byte, in 255ths
    if (chance(0.2)) json["rescale_factor"] = 1 / 127.5, scale = 2;
    if (chance(0.1)) json["do_rescale"] = false, scale = 255;
    for (std::size_t c = 0; c < 3; ++c) how.mean[c] /= scale, how.std[c] /= scale;
    e.how = how;
    // One that is not known has to state all.
    if (json.value("image_processor_type", "") == "StrangeImageProcessor") json.erase("resample");
    others(ConfigForm::processor, "", json, e);
  }

 private:
  engine::Random random_;
};

bool contains_any(const std::string& text, const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [&](const std::string& name) { return text.find(name) != text.npos; });
}

void expect_same(const Preprocessing& a, const Preprocessing& b, const std::string& what) {
  EXPECT_EQ(a.size, b.size) << what;
  EXPECT_EQ(a.filter, b.filter) << what;
  EXPECT_EQ(a.mode, b.mode) << what;
  EXPECT_EQ(a.crop_start, b.crop_start) << what;
  if (a.mode != Mode::squash) {
    EXPECT_NEAR(a.crop_pct.height, b.crop_pct.height, 1e-9) << what;
  }
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(a.mean[c], b.mean[c], 1e-6) << what;
    EXPECT_NEAR(a.std[c], b.std[c], 1e-6) << what;
  }
}

TEST(ConfigSweep, no_config_is_silently_wrong) {
  SmallCheckpoint checkpoint;
  Sweep sweep(7);
  int loaded = 0, refused = 0, noted = 0;
  // Under sanitizers, which are ten times as slow, fewer: there the fuzz target model_config reads configs,
  // too.
  const int configs = support::kSanitized ? 200 : 2000;
  for (int i = 0; i < configs; ++i) {
    for (const char* name : {"config.json", "preprocessor_config.json", "processor_config.json"})
      std::filesystem::remove(checkpoint / name);
    Json config = Json::object(), processor = Json::object();
    Expected e;
    if (i % 2 == 0) {
      e = sweep.timm(config, i % 4 == 0);
      sweep.others(ConfigForm::timm, "", config, e);
    } else {
      e = sweep.hugging_face(config);
      sweep.processor(processor, e);
      if (i % 4 == 1) {
        engine::put(checkpoint / "preprocessor_config.json", processor.dump());
      } else {
        engine::put(checkpoint / "processor_config.json", Json{{"image_processor", processor}}.dump());
        engine::put(checkpoint / "preprocessor_config.json", R"({"size": "the nested one wins"})");
      }
    }
    engine::put(checkpoint / "config.json", config.dump());
    const std::string what = config.dump() + processor.dump();
    if (!e.refused.empty()) {
      ++refused;
      EXPECT_TRUE(contains_any(checkpoint.error(), e.refused))
          << checkpoint.error() << "\nof " << e.refused[0] << "\nin " << what;
      continue;
    }
    std::optional<LoadedModel> model;
    ASSERT_NO_THROW(model.emplace(checkpoint.load())) << checkpoint.error() << "\nin " << what;
    ++loaded;
    noted += !e.noted.empty();
    EXPECT_EQ(model->model.config().heads, *e.heads) << what;
    EXPECT_EQ(model->model.config().norm_eps, e.eps) << what;
    EXPECT_EQ(model->no_softmax.empty(), e.softmax) << what;
    EXPECT_EQ(model->classes.size(), e.named ? 5u : 0u) << what;
    expect_same(model->preprocessing, *e.how, what);
    for (const std::string& text : e.noted) EXPECT_TRUE(checkpoint.noted(text)) << text << "\nin " << what;
    if (::testing::Test::HasFailure()) break;
  }
  EXPECT_GT(loaded, configs / 5);
  EXPECT_GT(refused, configs / 5);
  EXPECT_GT(noted, configs / 20);
}

}  // namespace
}  // namespace training
