#include "tools/training/pretrained/metadata.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/io/json.h"
#include "models/words.h"
#include "tools/training/json_field.h"
#include "tools/training/per_side_json.h"
#include "tools/training/pretrained/config_fields.h"
#include "tools/training/pretrained/config_values.h"

namespace training {

using data::Preprocessing;
using engine::Index;
using engine::Json;
using engine::Metadata;

std::string preprocessing_json(const Preprocessing& how) {
  Json json;
  json["image_size"] = per_side_json(how.size);
  json["interpolation"] = data::name_of(how.filter);
  json["resize"] = data::name_of(how.mode);
  json["crop_pct"] = per_side_json(how.crop_pct);
  if (how.crop_start != Preprocessing::CropStart::half_even)  // which earlier files do not have
    json["crop_start"] = data::name_of(how.crop_start);
  json["mean"] = how.mean;
  json["std"] = how.std;
  if (how.exif_rotate) json["exif_rotate"] = true;  // nor this
  return json.dump();
}

Json complete_preprocessing(Json json) {
  const Preprocessing before;
  if (!json.contains("crop_start")) json["crop_start"] = data::name_of(before.crop_start);
  if (!json.contains("exif_rotate")) json["exif_rotate"] = before.exif_rotate;
  return json;
}

Preprocessing read_preprocessing(const std::string& text, const std::string& what) {
  const Json json = engine::parse_json(text, what + ": preprocessing");
  Preprocessing how;
  try {
    how.size = needed_per_side<Index>(json, "image_size");
    std::vector<std::string> unknown;
    check_config_fields(json, std::array{ConfigForm::preprocessing}, "", unknown);
    engine::check(unknown.empty(), engine::in_quotes(unknown.empty() ? "" : unknown[0]),
                  "is not known: a later version may have written it");
    how.filter = data::filter_named(needed_field<std::string>(json, "interpolation"));
    how.mode = data::mode_named(needed_field<std::string>(json, "resize"));
    how.crop_pct = needed_per_side<double>(json, "crop_pct");
    if (const auto start = field<std::string>(json, "crop_start"))
      how.crop_start = data::crop_start_named(*start);
    how.mean = three_numbers_of(needed_field<std::vector<float>>(json, "mean"), "mean");
    how.std = three_numbers_of(needed_field<std::vector<float>>(json, "std"), "std");
    how.exif_rotate = field<bool>(json, "exif_rotate").value_or(false);
    check_stored(how);
  } catch (const std::exception& e) {
    throw engine::Error(what + ": preprocessing: " + e.what());
  }
  return how;
}

std::vector<std::string> read_name_list(const std::string& text, const std::string& what) {
  const Json json = engine::parse_json(text, what);
  engine::check(json.is_array() && !json.empty() &&
                    std::ranges::all_of(json, [](const Json& name) { return name.is_string(); }),
                what + " should be a list of names");
  return json.get<std::vector<std::string>>();
}

std::string rope_json(const models::RopeConfig& rope) {
  return Json{{"kind", models::word_of(rope.kind)},
              {"temperature", rope.temperature},
              {"offset", rope.offset},
              {"reference", rope.reference},
              {"columns_first", rope.columns_first}}
      .dump();
}

models::RopeConfig read_rope(const std::string& text, const std::string& what) {
  const Json json = engine::parse_json(text, what + ": rope");
  models::RopeConfig rope;
  try {
    const std::string kind = needed_field<std::string>(json, "kind");
    const auto found = models::rope_kind_named(kind);
    engine::check(found.has_value(), "kind should be dinov3, axial, mixed or none, not",
                  engine::in_quotes(kind));
    rope.kind = *found;
    rope.temperature = needed_field<double>(json, "temperature");
    rope.offset = needed_field<double>(json, "offset");
    rope.reference = needed_field<Index>(json, "reference");
    rope.columns_first = needed_field<bool>(json, "columns_first");
    engine::check(rope.temperature > 0 && std::isfinite(rope.temperature) && std::isfinite(rope.offset) &&
                      rope.reference >= 0,
                  "temperature should be above 0, offset finite and reference not negative");
  } catch (const std::exception& e) {
    throw engine::Error(what + ": rope: " + e.what());
  }
  return rope;
}

Metadata model_metadata(const models::VitConfig& c) {
  Metadata metadata{{"num_heads", std::to_string(c.heads)},
                    {"norm_eps", engine::exact(c.norm_eps)},
                    {"activation", std::string(models::word_of(c.activation))},
                    {"pooling", std::string(models::word_of(c.pooling))},
                    {"position_resizing", std::string(models::word_of(c.resampling))}};
  if (c.rope.kind != models::RopeConfig::Kind::none) metadata["rope"] = rope_json(c.rope);
  if (c.fc_norm && !c.final_norm) metadata["pooled_norm"] = "true";
  const bool usual = c.positions == models::Positions::all && c.registers == 0;
  if (!usual && c.positions != models::Positions::none) metadata["positions"] = models::word_of(c.positions);
  if (c.distillation_token && !c.distillation_head) metadata["distillation_head"] = "false";
  if (c.pooling == models::Pooling::attention)
    metadata["pool_heads"] = std::to_string(c.pool_heads > 0 ? c.pool_heads : c.heads);
  return metadata;
}

std::span<const char* const> model_metadata_keys() {
  static constexpr const char* kKeys[] = {"num_heads",   "norm_eps",          "activation", "pooling",
                                          "pool_heads",  "position_resizing", "rope",       "positions",
                                          "pooled_norm", "distillation_head"};
  return kKeys;
}

bool written_by_us(const Metadata& metadata) {
  return std::ranges::all_of(std::array{"arch", "num_heads", "classes", "preprocessing"},
                             [&](const char* key) { return metadata.contains(key); });
}

namespace {

constexpr const char* kPassedOver = "(passed over: not metadata of this program)";

/// Of a file of ours every field must be right; of others, one that is not known or would have to have
/// another value is noted.
void check_metadata(const Metadata& metadata, const std::string& file, bool ours, ModelConfig& config) {
  std::vector<std::string> unknown;
  for (const auto& [key, value] : metadata) {
    Json::object_t one;
    one.emplace_back(key, value);
    try {
      check_config_fields(one, std::array{ConfigForm::metadata}, "", unknown);
    } catch (const engine::Error& e) {
      if (ours) throw engine::Error(file + ": " + e.what());
      config.notes.push_back(engine::say(file + ":", e.what(), kPassedOver));
    }
  }
  note_unknown(unknown, "the metadata of " + file, config.notes);
}

}  // namespace

ModelConfig read_metadata(const Metadata& metadata, const std::string& file) {
  ModelConfig config;
  const bool ours = written_by_us(metadata);
  check_metadata(metadata, file, ours, config);
  const auto read = [&](const char* key, const auto& as) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) return;
    try {
      as(found->second, file + ": " + key);
    } catch (const engine::Error& e) {
      if (ours) throw;
      config.notes.push_back(engine::say(e.what(), kPassedOver));
    }
  };
  read("num_heads", [&](const std::string& text, const std::string& what) {
    config.facts.heads = engine::parse_integer(text, what);
  });
  read("pool_heads", [&](const std::string& text, const std::string& what) {
    config.facts.pool_heads = engine::parse_integer(text, what);
  });
  const auto word = [&](const char* key, auto named, auto& to) {
    read(key, [&](const std::string& text, const std::string& what) {
      to = named(text);
      engine::check(to.has_value(), what, "is not known:", engine::in_quotes(text));
    });
  };
  word("activation", models::activation_named, config.facts.activation);
  word("pooling", models::pooling_named, config.facts.pooling);
  word("position_resizing", models::resampling_named, config.facts.resampling);
  word("positions", models::positions_named, config.facts.positions);
  read("rope",
       [&](const std::string& text, const std::string&) { config.facts.rope = read_rope(text, file); });
  const auto flag = [&](const char* key, std::optional<bool>& to) {
    read(key, [&](const std::string& text, const std::string& what) {
      engine::check(text == "true" || text == "false", what, "should be true or false, not",
                    engine::in_quotes(text));
      to = text == "true";
    });
  };
  flag("pooled_norm", config.facts.pooled_norm);
  flag("distillation_head", config.facts.distillation_head);
  read("norm_eps", [&](const std::string& text, const std::string& what) {
    config.facts.norm_eps = engine::parse_number(text, what);
  });
  read("classes", [&](const std::string& text, const std::string&) {
    config.classes = read_name_list(text, file + ": classes");
  });
  read("preprocessing", [&](const std::string& text, const std::string&) {
    config.preprocessing = read_preprocessing(text, file);
    // A model of ours is made for the images that are prepared for it.
    if (!ours) return;
    config.facts.image_height = config.preprocessing->size.height;
    config.facts.image_width = config.preprocessing->size.width;
  });
  if (config.facts.heads) check_heads(*config.facts.heads, file + ": num_heads: ");
  if (config.facts.pool_heads) check_heads(*config.facts.pool_heads, file + ": pool_heads: ");
  if (config.facts.norm_eps) check_eps(*config.facts.norm_eps, file + ": norm_eps");
  return config;
}

}  // namespace training
