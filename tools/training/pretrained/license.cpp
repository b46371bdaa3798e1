#include "tools/training/pretrained/license.h"

#include "models/checkpoints.h"
#include "tools/training/json_field.h"
#include "tools/training/pretrained/config_file.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/pretrained/timm_config.h"

namespace training {

using engine::Json;

namespace {

std::string license_of(const Json& config) {
  const bool nested = config.contains("pretrained_cfg") && config.at("pretrained_cfg").is_object();
  const Json& cfg = nested ? config.at("pretrained_cfg") : config;  // flat in old files
  if (const auto license = field<std::string>(cfg, "license"); license && !license->empty()) return *license;
  auto name = field<std::string>(config, "architecture");
  if (!name) name = field<std::string>(cfg, "architecture");
  if (!name) return "";
  const auto tag = field<std::string>(cfg, "tag");
  if (tag && name->find('.') == std::string::npos) *name += '.' + *tag;
  const models::PublishedCheckpoint* const published = models::find_checkpoint(*name);
  return published ? published->license : "";
}

}  // namespace

std::string stated_license(const std::filesystem::path& folder, const engine::Metadata& metadata) {
  const auto found = metadata.find("license");
  const std::string own = found == metadata.end() ? "" : found->second;
  if (written_by_us(metadata) || folder.empty()) return own;
  std::string license;
  in_config_file(folder / "config.json", [&](const Json& config) {
    if (is_timm_config(config)) license = license_of(config);
  });
  return license.empty() ? own : license;
}

}  // namespace training
