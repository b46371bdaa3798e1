#include "tools/model_config.h"

#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/json.h"
#include "models/zoo.h"
#include "tools/model_source.h"

namespace tools {

using data::Preprocessing;
using engine::Index;
using engine::Json;

namespace {

/// Runs `f` on a JSON file and turns the JSON library's complaints about types into ours.
template <class F>
void in_file(const std::filesystem::path& path, F f) {
  if (!std::filesystem::exists(path)) return;
  const Json json = engine::read_json(path);
  try {
    engine::check(json.is_object(), "should hold one JSON object");
    f(json);
  } catch (const std::exception& e) {
    throw engine::Error(path.string() + ": " + e.what());
  }
}

std::array<float, 3> three(const Json& json, const char* what) {
  const auto values = json.get<std::vector<float>>();
  engine::check(values.size() == 3, what, "should be three numbers");
  return {values[0], values[1], values[2]};
}

/// timm's `pretrained_cfg`.
Preprocessing from_timm(const Json& cfg) {
  Preprocessing how;
  how.mode = Preprocessing::Mode::crop;
  if (cfg.contains("input_size")) how.size = cfg.at("input_size").at(2).get<Index>();
  how.crop_pct = cfg.value("crop_pct", 0.875);
  how.filter = data::filter_named(cfg.value("interpolation", std::string("bicubic")));
  if (cfg.value("crop_mode", std::string("center")) == "squash") how.mode = Preprocessing::Mode::squash;
  if (cfg.contains("mean")) how.mean = three(cfg.at("mean"), "mean");
  if (cfg.contains("std")) how.std = three(cfg.at("std"), "std");
  data::check_preprocessing(how);
  return how;
}

/// A side in Hugging Face's forms: 224, {"height": 224, "width": 224} or {"shortest_edge": 256}.
Index side(const Json& size) {
  if (size.is_object())
    return size.contains("height") ? size.at("height").get<Index>() : size.at("shortest_edge").get<Index>();
  return size.get<Index>();
}

/// Hugging Face's preprocessor_config.json. `resample` holds Pillow's code of the filter.
Preprocessing from_hugging_face(const Json& json) {
  constexpr int kBilinear = 2, kBicubic = 3;
  Preprocessing how;
  const int resample = json.value("resample", kBilinear);
  engine::check(resample == kBilinear || resample == kBicubic,
                "resample should be 2 (bilinear) or 3 (bicubic), not", resample);
  how.filter = resample == kBicubic ? data::Filter::bicubic : data::Filter::bilinear;
  how.size = json.contains("size") ? side(json.at("size")) : 224;
  if (json.value("do_center_crop", false)) {
    const Index crop = json.contains("crop_size") ? side(json.at("crop_size")) : how.size;
    how.mode = Preprocessing::Mode::crop;
    how.crop_pct = static_cast<double>(crop) / static_cast<double>(std::max(crop, how.size));
    how.size = crop;
  }
  if (json.contains("image_mean")) how.mean = three(json.at("image_mean"), "image_mean");
  if (json.contains("image_std")) how.std = three(json.at("image_std"), "image_std");
  data::check_preprocessing(how);
  return how;
}

/// Class names in Hugging Face's id2label: {"0": "cat", ...}.
std::vector<std::string> labels_of(const Json& id2label) {
  std::vector<std::string> names(id2label.size());
  for (const auto& [key, name] : id2label.items()) {
    const Index at = engine::parse_integer(key, "id2label");
    engine::check(at >= 0 && at < static_cast<Index>(names.size()), "id2label has", names.size(),
                  "names but a number", at);
    names[static_cast<std::size_t>(at)] = name.get<std::string>();
  }
  return names;
}

/// `where` is put before the complaint.
void check_heads(Index heads, const std::string& where) {
  engine::check(heads > 0, where + "the number of heads should be positive, not", heads);
}

void read_config(const Json& json, ModelConfig& config) {
  if (json.contains("num_attention_heads")) config.heads = json.at("num_attention_heads").get<Index>();
  if (json.contains("layer_norm_eps")) config.norm_eps = json.at("layer_norm_eps").get<double>();
  if (json.contains("id2label")) config.classes = labels_of(json.at("id2label"));
  if (json.contains("label_names")) config.classes = json.at("label_names").get<std::vector<std::string>>();
  if (json.contains("model_args") && json.at("model_args").contains("num_heads"))
    config.heads = json.at("model_args").at("num_heads").get<Index>();
  if (config.heads) check_heads(*config.heads, "");
  if (json.contains("pretrained_cfg")) config.preprocessing = from_timm(json.at("pretrained_cfg"));
}

}  // namespace

ModelConfig read_model_config(const std::filesystem::path& folder, const engine::Metadata& metadata,
                              const std::string& file) {
  ModelConfig config;
  const auto told = [&](const char* key) -> std::optional<std::string> {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::nullopt : std::optional(found->second);
  };
  if (const auto heads = told("num_heads")) {
    config.heads = engine::parse_integer(*heads, file + ": num_heads");
    check_heads(*config.heads, file + ": ");
  }
  if (const auto eps = told("norm_eps")) config.norm_eps = engine::parse_number(*eps, file + ": norm_eps");
  if (const auto classes = told("classes")) config.classes = read_class_list(*classes, file);
  if (const auto how = told("preprocessing")) config.preprocessing = read_preprocessing(*how, file);
  if (folder.empty()) return config;
  bool timm_told = false;
  in_file(folder / "config.json", [&](const Json& json) {
    read_config(json, config);
    timm_told = json.contains("pretrained_cfg");
  });
  if (!timm_told) {
    in_file(folder / "preprocessor_config.json",
            [&](const Json& json) { config.preprocessing = from_hugging_face(json); });
  }
  return config;
}

}  // namespace tools
