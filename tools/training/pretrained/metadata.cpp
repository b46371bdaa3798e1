#include "tools/training/pretrained/metadata.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/io/json.h"
#include "tools/training/json_field.h"

namespace training {

using data::Preprocessing;
using engine::Index;
using engine::Json;

std::string preprocessing_json(const Preprocessing& how) {
  Json json;
  json["image_size"] = how.size;
  json["interpolation"] = data::name_of(how.filter);
  json["resize"] = data::name_of(how.mode);
  json["crop_pct"] = how.crop_pct;
  json["mean"] = how.mean;
  json["std"] = how.std;
  return json.dump();
}

Preprocessing read_preprocessing(const std::string& text, const std::string& what) {
  const Json json = engine::parse_json(text, what + ": preprocessing");
  Preprocessing how;
  try {
    how.size = needed_field<Index>(json, "image_size");
    how.filter = data::filter_named(needed_field<std::string>(json, "interpolation"));
    how.mode = data::mode_named(needed_field<std::string>(json, "resize"));
    how.crop_pct = needed_field<double>(json, "crop_pct");
    how.mean = three_numbers_of(needed_field<std::vector<float>>(json, "mean"), "mean");
    how.std = three_numbers_of(needed_field<std::vector<float>>(json, "std"), "std");
    engine::check(how.crop_pct >= 0.01, "crop_pct should be 0.01 to 1, not", how.crop_pct);
    data::check_preprocessing(how);
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

}  // namespace training
