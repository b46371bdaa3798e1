#include "tools/training/pretrained/model_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/io/json.h"
#include "tools/training/pretrained/config_values.h"
#include "tools/training/pretrained/hugging_face_config.h"
#include "tools/training/pretrained/image_processor.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/pretrained/timm_config.h"

namespace training {

using engine::Index;
using engine::Json;
namespace fs = std::filesystem;

namespace {

/// Runs `f` on a JSON file and turns the JSON library's complaints about types into ours.
template <class F>
void in_file(const fs::path& path, F f) {
  if (!fs::exists(path)) return;
  const Json json = engine::read_json(path);
  try {
    engine::check(json.is_object(), "should hold one JSON object");
    f(json);
  } catch (const std::exception& e) {
    throw engine::Error(path.string() + ": " + e.what());
  }
}

/// The preprocessing of Hugging Face's files: the image_processor of a whole processor before one of its own.
void read_processors(const fs::path& folder, const ModelSource& options, ModelConfig& config) {
  in_file(folder / "processor_config.json", [&](const Json& json) {
    if (!json.contains("image_processor")) return;
    const Json& nested = json.at("image_processor");
    engine::check(nested.is_object(), "image_processor should be an object, not", nested.type_name());
    config.preprocessing = read_image_processor(nested, "processor_config.json", options, config);
  });
  if (config.preprocessing) return;
  in_file(folder / "preprocessor_config.json", [&](const Json& json) {
    config.preprocessing = read_image_processor(json, "preprocessor_config.json", options, config);
  });
}

ModelConfig read_folder(const fs::path& folder, const ModelSource& options) {
  ModelConfig config;
  in_file(folder / "config.json", [&](const Json& json) {
    config = is_timm_config(json) ? read_timm_config(json, options) : read_hugging_face_config(json);
    if (config.heads) check_heads(*config.heads, "");
    if (config.norm_eps) check_eps(*config.norm_eps, "layer_norm_eps");
  });
  if (!config.preprocessing) read_processors(folder, options, config);
  return config;
}

/// Puts one statement over another and notes where they differ. `shown` makes a text of a value.
template <class T, class F>
void prefer(const T& first, T& config, const char* what, const std::string& file, bool ours,
            std::vector<std::string>& notes, F shown) {
  if (first == T{} || first == config) return;
  if (config == T{}) {
    config = first;
    return;
  }
  notes.push_back(
      engine::say(what, "is", shown(first), "in the metadata of", file, "but", shown(config),
                  ours ? "in the files beside it; the metadata count, which were written for these weights"
                       : "in the files beside it, which count"));
  if (ours) config = first;
}

/// The metadata of a file and the files beside it together.
void combine(const ModelConfig& own, const std::string& file, bool ours, ModelConfig& config) {
  auto& notes = config.notes;
  const auto value = [](const auto& v) { return engine::shortest(static_cast<double>(*v)); };
  prefer(own.heads, config.heads, "the number of heads", file, ours, notes, value);
  prefer(own.norm_eps, config.norm_eps, "the eps of the norms", file, ours, notes, value);
  prefer(own.preprocessing, config.preprocessing, "the preprocessing", file, ours, notes,
         [](const auto& how) { return preprocessing_json(*how); });
  prefer(own.classes, config.classes, "the list of classes", file, ours, notes, [](const auto& names) {
    return engine::say(names.size(), "names from", engine::in_quotes(names[0]), "to",
                       engine::in_quotes(names.back()));
  });
  notes.insert(notes.end(), own.notes.begin(), own.notes.end());
  if (!ours) return;
  config.no_softmax.clear();  // of the head that was there before
  std::erase_if(config.sizes, [](const StatedSize& s) {
    return s.size == &models::VitConfig::classes || s.size == &models::VitConfig::image_size;
  });
}

}  // namespace

ModelConfig read_model_config(const fs::path& folder, const engine::Metadata& metadata,
                              const std::string& file, const ModelSource& options) {
  const bool ours = written_by_us(metadata);
  ModelConfig config;
  try {
    if (!folder.empty()) config = read_folder(folder, options);
  } catch (const engine::Error& e) {
    if (!ours) throw;
    config.notes.push_back(engine::say("passed over, as the metadata of", file, "say all:", e.what()));
  }
  combine(read_metadata(metadata, file), file, ours, config);
  return config;
}

void check_sizes(ModelConfig& config, const models::VitConfig& tensors) {
  for (const auto& [field, size, value, stating] : config.sizes) {
    const Index there = tensors.*size;
    if (there == value) continue;
    const bool may_differ = size == &models::VitConfig::image_size || size == &models::VitConfig::classes;
    const std::string differs =
        engine::say(stating + ":", field, "is", value, "but the tensors are of", there);
    engine::check(may_differ, differs + "; one of the two belongs to another model");
    if (size == &models::VitConfig::classes && (there == 0 || value == 0))
      continue;  // a head that was left out
    config.notes.push_back(differs + ", which counts");
  }
  engine::check(!config.qkv_bias || *config.qkv_bias == tensors.qkv_bias, "config.json: qkv_bias is",
                config.qkv_bias.value_or(false) ? "true" : "false", "but the tensors have",
                tensors.qkv_bias ? "such biases" : "none");
}

}  // namespace training
