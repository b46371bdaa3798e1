#include "tools/training/pretrained/model_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/io/json.h"
#include "models/parts.h"
#include "models/words.h"
#include "tools/training/pretrained/config_file.h"
#include "tools/training/pretrained/config_values.h"
#include "tools/training/pretrained/hugging_face_config.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/pretrained/open_clip_config.h"
#include "tools/training/pretrained/preprocessing_files.h"
#include "tools/training/pretrained/timm_config.h"

namespace training {

using engine::Index;
using engine::Json;
using models::VitConfig;
namespace fs = std::filesystem;

namespace {

std::string yes_or_no(bool there) {
  return there ? "yes" : "no";
}

/// The weights that OpenCLIP writes have a config of their own, also beside one of Hugging Face.
bool is_open_clip(const fs::path& folder, const fs::path& file) {
  return fs::exists(folder / "open_clip_config.json") &&
         (file.filename() == "open_clip_model.safetensors" || !fs::exists(folder / "config.json"));
}

ModelConfig read_folder(const fs::path& folder, const std::string& file, const ModelSource& options) {
  ModelConfig config;
  if (is_open_clip(folder, file)) {
    in_config_file(folder / "open_clip_config.json",
                   [&](const Json& json) { config = read_open_clip_config(json); });
    config.preprocessing = read_preprocessing_files(folder, options, config.notes);
    return config;
  }
  in_config_file(folder / "config.json", [&](const Json& json) {
    config = is_timm_config(json) ? read_timm_config(json, options) : read_hugging_face_config(json);
    if (config.facts.heads) check_heads(*config.facts.heads, "");
    if (config.facts.norm_eps) check_eps(*config.facts.norm_eps, "layer_norm_eps");
  });
  if (config.preprocessing) return config;
  config.preprocessing = read_preprocessing_files(folder, options, config.notes);
  if (config.preprocessing)
    config.image_sizes.push_back(
        {"the size of prepared images", config.preprocessing->size, "the image processor's file"});
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
  const auto word = [](const auto& v) { return std::string(models::word_of(*v)); };
  const models::Facts& mine = own.facts;
  models::Facts& facts = config.facts;
  prefer(mine.heads, facts.heads, "the number of heads", file, ours, notes, value);
  prefer(mine.norm_eps, facts.norm_eps, "the eps of the norms", file, ours, notes, value);
  prefer(mine.pool_heads, facts.pool_heads, "the number of heads of the pooling", file, ours, notes, value);
  prefer(mine.activation, facts.activation, "the activation", file, ours, notes, word);
  prefer(mine.pooling, facts.pooling, "the pooling", file, ours, notes, word);
  prefer(mine.resampling, facts.resampling, "the way positions are resized", file, ours, notes, word);
  prefer(mine.pooled_norm, facts.pooled_norm, "the norm behind the pooling", file, ours, notes,
         [](const auto& there) { return yes_or_no(*there); });
  prefer(mine.rope, facts.rope, "the rotary position embedding", file, ours, notes,
         [](const auto& rope) { return rope_json(*rope); });
  if (ours && mine.image_height) facts.image_height = mine.image_height, facts.image_width = mine.image_width;
  prefer(own.preprocessing, config.preprocessing, "the preprocessing", file, ours, notes,
         [](const auto& how) { return preprocessing_json(*how); });
  prefer(own.classes, config.classes, "the list of classes", file, ours, notes, [](const auto& names) {
    return engine::say(names.size(), "names from", engine::in_quotes(names[0]), "to",
                       engine::in_quotes(names.back()));
  });
  notes.insert(notes.end(), own.notes.begin(), own.notes.end());
  if (!ours) return;
  config.no_softmax.clear();  // of the head that was there before
  std::erase_if(config.sizes, [](const StatedSize& s) { return s.size == &models::VitConfig::classes; });
  config.image_sizes.clear();
}

}  // namespace

ModelConfig read_model_config(const fs::path& folder, const engine::Metadata& metadata,
                              const std::string& file, const ModelSource& options) {
  const bool ours = written_by_us(metadata);
  ModelConfig config;
  try {
    if (!folder.empty()) config = read_folder(folder, file, options);
  } catch (const engine::Error& e) {
    if (!ours) throw;
    config.notes.push_back(engine::say("passed over, as the metadata of", file, "say all:", e.what()));
  }
  combine(read_metadata(metadata, file), file, ours, config);
  return config;
}

namespace {

void check_parts(const VitConfig& stated, const std::string& by, const VitConfig& tensors) {
  for (const auto& [part, word] : models::parts_in_tensors()) {
    engine::check(word(stated) == word(tensors), by + ":", part, "should be",
                  engine::in_quotes(word(stated)) + ", but by the tensors it is",
                  engine::in_quotes(word(tensors)));
  }
}

/// What is made of a model of which the config states only a name that is not known.
std::string note_on_unknown(const std::string& architecture, const VitConfig& tensors) {
  const std::string start = "architecture " + engine::in_quotes(architecture) + " is not known";
  const std::vector<std::string> features = models::features_in_tensors(tensors);
  if (features.empty()) return start + ": what config.json leaves out is taken to be that of a plain ViT";
  return start + ", and by its tensors it is no plain ViT (" + engine::join(features, "; ") +
         "): what neither they nor config.json state is a guess (heads, eps, activation, pooling, rotary positions)";
}

}  // namespace

void check_sizes(ModelConfig& config, const models::VitConfig& tensors) {
  const auto compare = [&](const auto& stated, const auto& value, const auto& there, bool may_differ) {
    if (there == value) return;
    const std::string differs =
        engine::say(stated.file + ":", stated.field, "is", value, "but the tensors are of", there);
    engine::check(may_differ, differs + "; one of the two belongs to another model");
    config.notes.push_back(differs + ", which counts");
  };
  const data::ImageSize there{tensors.image_height, tensors.image_width};
  for (const StatedImageSize& stated : config.image_sizes)
    compare(stated, stated.size, there, stated.size.is_single() && there.is_single());
  for (const StatedSize& stated : config.sizes) {
    const bool of_head = stated.size == &VitConfig::classes;
    if (of_head && (tensors.classes == 0 || stated.value == 0)) continue;  // a head that was left out
    compare(stated, stated.value, tensors.*stated.size, of_head);
  }
  if (!config.unknown_architecture.empty())
    config.notes.push_back(note_on_unknown(config.unknown_architecture, tensors));
  if (config.parts) check_parts(*config.parts, config.stated_by, tensors);
}

}  // namespace training
