#include "tools/training/identity.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/io/sha256.h"
#include "tools/training/pretrained/metadata.h"

namespace training {

using nlohmann::ordered_json;

namespace {

std::string images_sha256(const std::vector<std::string>& classes, const data::Dataset& images) {
  engine::Sha256 hash;
  const auto add = [&](const std::string& line) { hash.add(std::as_bytes(std::span(line))); };
  for (const std::string& name : classes) add(name + '\0');
  for (Index i = 0; i < images.size(); ++i)
    add(images.name(i) + '\0' + std::to_string(images.label(i)) + '\0');
  return hash.hex();
}

}  // namespace

ordered_json identity_of(const LoadedModel& base) {
  const models::VitConfig& c = base.model.config();
  return {{"base_sha256", base.base_sha256},
          {"heads", c.heads},
          {"norm_eps", c.norm_eps},
          {"preprocessing_stored", base.stored_preprocessing
                                       ? ordered_json::parse(preprocessing_json(*base.stored_preprocessing))
                                       : ordered_json(nullptr)}};
}

ordered_json identity_of(const ordered_json& options, const ordered_json& base,
                         const std::vector<std::string>& classes, const data::Dataset& images) {
  ordered_json identity = options;
  identity.update(base);
  identity["images"] = images.size();
  identity["images_sha256"] = images_sha256(classes, images);
  return identity;
}

ordered_json with_present_names(ordered_json fields) {
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
