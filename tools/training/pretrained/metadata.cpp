#include "tools/training/pretrained/metadata.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/io/json.h"
#include "models/positions.h"
#include "models/zoo.h"
#include "tools/training/json_field.h"
#include "tools/training/pretrained/config_fields.h"
#include "tools/training/pretrained/config_values.h"

namespace training {

using data::Preprocessing;
using engine::Index;
using engine::Json;
using engine::Metadata;

std::string preprocessing_json(const Preprocessing& how) {
  Json json;
  json["image_size"] = how.size;
  json["interpolation"] = data::name_of(how.filter);
  json["resize"] = data::name_of(how.mode);
  json["crop_pct"] = how.crop_pct;
  if (how.crop_start != Preprocessing::CropStart::half_even)  // which earlier files do not have
    json["crop_start"] = data::name_of(how.crop_start);
  json["mean"] = how.mean;
  json["std"] = how.std;
  return json.dump();
}

Preprocessing read_preprocessing(const std::string& text, const std::string& what) {
  const Json json = engine::parse_json(text, what + ": preprocessing");
  Preprocessing how;
  try {
    how.size = needed_field<Index>(json, "image_size");
    std::vector<std::string> unknown;
    check_config_fields(json, std::array{ConfigForm::preprocessing}, "", unknown);
    engine::check(unknown.empty(), engine::in_quotes(unknown.empty() ? "" : unknown[0]),
                  "is not known: a later version may have written it");
    how.filter = data::filter_named(needed_field<std::string>(json, "interpolation"));
    how.mode = data::mode_named(needed_field<std::string>(json, "resize"));
    how.crop_pct = needed_field<double>(json, "crop_pct");
    if (const auto start = field<std::string>(json, "crop_start"))
      how.crop_start = data::crop_start_named(*start);
    how.mean = three_numbers_of(needed_field<std::vector<float>>(json, "mean"), "mean");
    how.std = three_numbers_of(needed_field<std::vector<float>>(json, "std"), "std");
    check_stored(how);
  } catch (const std::exception& e) {
    throw engine::Error(what + ": preprocessing: " + e.what());
  }
  return how;
}

std::vector<std::string> read_class_list(const std::string& text, const std::string& what) {
  const Json json = engine::parse_json(text, what + ": classes");
  engine::check(json.is_array() && !json.empty() &&
                    std::ranges::all_of(json, [](const Json& name) { return name.is_string(); }),
                what + ": classes should be a list of names");
  return json.get<std::vector<std::string>>();
}

Metadata model_metadata(const models::VitConfig& config) {
  return {{"num_heads", std::to_string(config.heads)},
          {"norm_eps", engine::exact(config.norm_eps)},
          {"activation", std::string(models::kActivation)},
          {"pooling", std::string(models::kPooling)},
          {"position_resizing", std::string(models::kPositionResizing)}};
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
  note_unknown(unknown, "the metadata of " + file, config);
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
    config.heads = engine::parse_integer(text, what);
  });
  read("norm_eps", [&](const std::string& text, const std::string& what) {
    config.norm_eps = engine::parse_number(text, what);
  });
  read("classes",
       [&](const std::string& text, const std::string&) { config.classes = read_class_list(text, file); });
  read("preprocessing", [&](const std::string& text, const std::string&) {
    config.preprocessing = read_preprocessing(text, file);
  });
  if (config.heads) check_heads(*config.heads, file + ": num_heads: ");
  if (config.norm_eps) check_eps(*config.norm_eps, file + ": norm_eps");
  return config;
}

}  // namespace training
