#include "tools/training/pretrained/model_config.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/io/json.h"
#include "models/zoo.h"
#include "tools/training/json_field.h"
#include "tools/training/pretrained/metadata.h"

namespace training {

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

/// Writes mean or std over what is there, when the file has it.
void read_three(const Json& json, const char* name, std::array<float, 3>& to) {
  if (const auto values = field<std::vector<float>>(json, name)) to = three_numbers_of(*values, name);
}

/// The values of a file, beyond what data::check_preprocessing asks for: a crop of next to nothing asks for a
/// image of next to any size.
void check_stored(const Preprocessing& how) {
  engine::check(how.crop_pct >= 0.01 && how.crop_pct <= 1, "crop_pct should be 0.01 to 1, not", how.crop_pct);
  data::check_preprocessing(how);
}

/// timm's `pretrained_cfg`.
Preprocessing from_timm(const Json& cfg) {
  Preprocessing how;
  how.mode = Preprocessing::Mode::crop;
  engine::check(cfg.is_object(), "pretrained_cfg should be an object, not", cfg.type_name());
  if (const auto sizes = field<std::vector<Index>>(cfg, "input_size")) {
    engine::check(sizes->size() == 3, "input_size should have three values, not", sizes->size());
    how.size = sizes->at(2);
  }
  how.crop_pct = field<double>(cfg, "crop_pct").value_or(0.875);
  how.filter = data::filter_named(field<std::string>(cfg, "interpolation").value_or("bicubic"));
  if (field<std::string>(cfg, "crop_mode") == "squash") how.mode = Preprocessing::Mode::squash;
  read_three(cfg, "mean", how.mean);
  read_three(cfg, "std", how.std);
  check_stored(how);
  return how;
}

/// A side in Hugging Face's forms: 224, {"height": 224, "width": 224} or {"shortest_edge": 256}.
Index side(const Json& size, const std::string& name) {
  if (!size.is_object()) return field_as<Index>(size, name);
  const auto height = field<Index>(size, "height"), edge = field<Index>(size, "shortest_edge");
  engine::check(height || edge, name, "should have a height or a shortest_edge");
  return height ? *height : *edge;
}

/// Hugging Face's preprocessor_config.json. `resample` holds Pillow's code of the filter.
Preprocessing from_hugging_face(const Json& json) {
  constexpr Index kBilinear = 2, kBicubic = 3;
  Preprocessing how;
  const Index resample = field<Index>(json, "resample").value_or(kBilinear);
  engine::check(resample == kBilinear || resample == kBicubic,
                "resample should be 2 (bilinear) or 3 (bicubic), not", resample);
  how.filter = resample == kBicubic ? data::Filter::bicubic : data::Filter::bilinear;
  how.size = json.contains("size") ? side(json.at("size"), "size") : 224;
  if (field<bool>(json, "do_center_crop").value_or(false)) {
    const Index crop = json.contains("crop_size") ? side(json.at("crop_size"), "crop_size") : how.size;
    how.mode = Preprocessing::Mode::crop;
    const double edge = static_cast<double>(std::max(crop, how.size));
    how.crop_pct = static_cast<double>(crop) / edge;
    while (std::floor(static_cast<double>(crop) / how.crop_pct) < edge)  // rounded the wrong way
      how.crop_pct = std::nextafter(how.crop_pct, 0);
    how.size = crop;
  }
  read_three(json, "image_mean", how.mean);
  read_three(json, "image_std", how.std);
  if (!field<bool>(json, "do_normalize").value_or(true)) how.mean = {0, 0, 0}, how.std = {1, 1, 1};
  check_stored(how);
  return how;
}

/// Class names in Hugging Face's id2label: {"0": "cat", ...}.
std::vector<std::string> labels_of(const Json& id2label) {
  engine::check(id2label.is_object(), "id2label should be an object of numbers and names, not",
                id2label.type_name());
  std::vector<std::string> names(id2label.size());
  for (const auto& [key, name] : id2label.items()) {
    const Index at = engine::parse_integer(key, "id2label");
    engine::check(at >= 0 && at < static_cast<Index>(names.size()), "id2label has", names.size(),
                  "names but a number", at);
    names[static_cast<std::size_t>(at)] = field_as<std::string>(name, "id2label[" + key + "]");
  }
  return names;
}

/// `where` is put before the complaint.
void check_heads(Index heads, const std::string& where) {
  engine::check(heads > 0, where + "the number of heads should be positive, not", heads);
}

void check_eps(double eps, const std::string& name) {
  engine::check(eps > 0 && std::isfinite(eps), name, "should be above 0, not", eps);
}

void read_config(const Json& json, ModelConfig& config) {
  if (const auto heads = field<Index>(json, "num_attention_heads")) config.heads = heads;
  if (const auto eps = field<double>(json, "layer_norm_eps")) config.norm_eps = eps;
  if (const auto act = field<std::string>(json, "hidden_act"))
    engine::check(*act == "gelu", "hidden_act should be gelu, the exact one, not", engine::in_quotes(*act));
  if (json.contains("id2label")) config.classes = labels_of(json.at("id2label"));
  if (const auto names = field<std::vector<std::string>>(json, "label_names")) config.classes = *names;
  if (json.contains("model_args")) {
    if (const auto heads = field<Index>(json.at("model_args"), "num_heads")) config.heads = heads;
  }
  if (config.heads) check_heads(*config.heads, "");
  if (config.norm_eps) check_eps(*config.norm_eps, "layer_norm_eps");
  if (json.contains("pretrained_cfg")) config.preprocessing = from_timm(json.at("pretrained_cfg"));
}

}  // namespace

ModelConfig read_model_config(const std::filesystem::path& folder, const engine::Metadata& metadata,
                              const std::string& file) {
  ModelConfig config;
  const auto stored = [&](const char* key) -> std::optional<std::string> {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::nullopt : std::optional(found->second);
  };
  if (const auto heads = stored("num_heads")) {
    config.heads = engine::parse_integer(*heads, file + ": num_heads");
    check_heads(*config.heads, file + ": ");
  }
  if (const auto eps = stored("norm_eps")) {
    config.norm_eps = engine::parse_number(*eps, file + ": norm_eps");
    check_eps(*config.norm_eps, file + ": norm_eps");
  }
  if (const auto classes = stored("classes")) config.classes = read_class_list(*classes, file);
  if (const auto how = stored("preprocessing")) config.preprocessing = read_preprocessing(*how, file);
  if (folder.empty()) return config;
  bool timm_stores_it = false;
  in_file(folder / "config.json", [&](const Json& json) {
    read_config(json, config);
    timm_stores_it = json.contains("pretrained_cfg");
  });
  if (!timm_stores_it) {
    in_file(folder / "preprocessor_config.json",
            [&](const Json& json) { config.preprocessing = from_hugging_face(json); });
  }
  return config;
}

}  // namespace training
