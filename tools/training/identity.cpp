#include "tools/training/identity.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/text.h"
#include "engine/io/sha256.h"
#include "tools/training/json_text.h"
#include "tools/training/options/option_json.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/usage_error.h"

namespace training {

using engine::Json;

namespace {

/// The hash of classes and of name and label of each image, where `name_of` gives the name.
template <class NameOf>
std::string hash_of(const std::vector<std::string>& classes, const data::Dataset& images, NameOf name_of) {
  engine::Sha256 hash;
  const auto add = [&](const std::string& line) { hash.add(std::as_bytes(std::span(line))); };
  for (const std::string& name : classes) add(name + '\0');
  for (Index i = 0; i < images.size(); ++i)
    add(name_of(images.name(i)) + '\0' + std::to_string(images.label(i)) + '\0');
  return hash.hex();
}

bool same(const Json& a, const Json& b) {
  return nlohmann::json(a) == nlohmann::json(b);  // in whatever order
}

/// "lr was 0.01 and is 0.1", of objects field by field.
void add_differences(std::vector<RunIdentity::Difference>& all, const Json& before, const Json& now) {
  for (const auto& [key, value] : now.items()) {
    if (!before.contains(key) || same(before[key], value)) continue;
    if (before[key].is_object() && value.is_object())
      add_differences(all, before[key], value);
    else
      all.push_back({key, key + " was " + json_text(before[key]) + " and is " + json_text(value)});
  }
}

/// A number that was recorded, or 1.
Index number(const Json& recorded, const char* field) {
  return recorded.contains(field) && recorded[field].is_number_integer() ? recorded[field].get<Index>() : 1;
}

Index version_of(const Json& recorded) {
  return number(recorded, "identity_version");
}

/// True of a run of an earlier version whose epochs ended with the last step that was full.
bool left_out_batches(const Json& recorded) {
  const Index batch_size = number(recorded, "batch_size"), accumulated = number(recorded, "grad_accum");
  return version_of(recorded) < 3 && batch_size > 0 && accumulated > 0 &&
         number(recorded, "images") / batch_size % accumulated != 0;
}

/// With what is not UTF-8 replaced, as a file has it.
Json as_written(const Json& fields) {
  return engine::parse_json(json_text(fields), "identity");
}

}  // namespace

RunIdentity::RunIdentity(Json fields, std::function<std::string(const std::string&)> earlier_images)
    : fields_(as_written(fields)), earlier_images_(std::move(earlier_images)) {}

std::string RunIdentity::text() const {
  return json_text(fields_);
}

std::vector<RunIdentity::Difference> RunIdentity::differences(const Json& recorded) const {
  Json before = with_present_names(recorded);
  if (!before.is_object()) return {{"", "nothing is known of it"}};
  if (before.contains("preprocessing") && before["preprocessing"].is_object())
    before["preprocessing"] = complete_preprocessing(before["preprocessing"]);
  // Earlier versions hashed the images' paths as they were given, and had no version of their own.
  if (!before.contains("identity_version") && before.contains("images_sha256") && earlier_images_) {
    for (const char* given : {"data", "data_root"}) {
      if (before.contains(given) && before[given].is_string() && before[given] != "" &&
          before["images_sha256"] == earlier_images_(before[given].get<std::string>()))
        before["images_sha256"] = fields_.value("images_sha256", Json());
    }
  }
  std::vector<Difference> all;
  if (left_out_batches(before)) {
    const std::string accumulated = json_text(before["grad_accum"]);
    all.push_back({"grad_accum", "with --grad-accum " + accumulated +
                                     " it left out the last batches of an epoch, which now are a step"});
  }
  if (version_of(before) < kIdentityVersion) before.erase("identity_version");
  add_differences(all, before, fields_);
  std::erase_if(all, [&](const Difference& d) { return std::ranges::find(free_, d.field) != free_.end(); });
  return all;
}

void RunIdentity::check(const std::string& file, const std::string& recorded) const {
  const Json before = read_identity(recorded);
  std::vector<std::string> texts;
  for (const Difference& d : differences(before)) texts.push_back(d.text);
  if (before.empty() && !fields_.empty()) texts.emplace_back("it has no record of how it was started");
  if (!texts.empty()) refuse_run(file, texts);
}

void refuse_run(const std::string& what, const std::vector<std::string>& reasons) {
  throw UsageError(what + ": the run was started with other options or data: " + engine::join(reasons, ", ") +
                   ". Start it again as it was (config.json beside it has all options), or with --overwrite");
}

Json read_identity(const std::string& text) {
  try {
    Json json = engine::parse_json(text, "identity");
    if (json.is_object()) return json;
  } catch (const engine::Error&) {  // it is another one all the same
  }
  return Json::object();
}

Json recorded_identity(const Json& config) {
  if (!config.is_object()) return {};
  if (!config.contains("identity")) {  // of an earlier version, where `model` was the path
    Json all = config;
    if (all.contains("model") && !all["model"].is_object()) all.erase("model");
    return all;
  }
  Json all = config["identity"];
  for (const char* split : {"val", "test"}) {
    for (const char* field : {"_images", "_images_sha256"}) {
      const std::string key = split + std::string(field);
      if (all.is_object() && !all.contains(key) && config.contains(key)) all[key] = config[key];
    }
  }
  return all;
}

Json options_of(const TrainConfig& config, void (*declare)(OptionTable&, TrainConfig&)) {
  TrainConfig copy;
  OptionTable table;
  declare(table, copy);
  copy = config;
  return options_identity(table);
}

Json identity_of(const LoadedModel& base) {
  const models::VitConfig& c = base.model.config();
  return {{"base_sha256", base.base_sha256},
          {"stored_classes", base.classes},  // a kept head's rows are ordered by them
          {"model", model_metadata(c)},
          {"preprocessing", complete_preprocessing(Json::parse(preprocessing_json(base.preprocessing)))}};
}

Json identity_of(const std::vector<std::string>& classes, const data::Dataset& images,
                 const ImageContents& contents, const std::string& prefix) {
  return {{prefix + "images", images.size()},
          {prefix + "images_sha256",
           hash_of(classes, images, [&](const std::string& name) { return contents.relative(name); })}};
}

std::string earlier_images_sha256(const std::vector<std::string>& classes, const data::Dataset& images,
                                  const ImageContents& contents, const std::string& root) {
  return hash_of(classes, images, [&](const std::string& name) {
    return (std::filesystem::path(root) / contents.relative(name)).string();
  });
}

Json with_present_names(Json fields) {
  constexpr std::pair<const char*, const char*> kRenamed[] = {{"preprocessing_told", "preprocessing_stored"},
                                                              {"pictures", "images"},
                                                              {"pictures_sha256", "images_sha256"}};
  if (!fields.is_object()) return fields;
  for (const auto& [before, now] : kRenamed) {
    if (!fields.contains(before) || fields.contains(now)) continue;
    fields[now] = fields[before];
    fields.erase(before);
  }
  return fields;
}

}  // namespace training
