#include "tools/training/tuned_model.h"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/text.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "engine/nn/roles.h"
#include "models/positions.h"
#include "models/zoo.h"
#include "peft/delta.h"
#include "peft/methods.h"
#include "tools/training/pretrained/at_image_size.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/usage_error.h"

namespace training {

using data::Preprocessing;
using engine::Json;
using engine::Safetensors;
namespace fs = std::filesystem;

namespace {

void check_names_differ(const std::vector<std::string>& classes, const std::string& file) {
  std::set<std::string_view> names;
  for (const std::string& name : classes)
    engine::check(names.insert(name).second, file + ": two classes are called", name);
}

/// Every head of the model must be in the delta, for all its classes: memory is allocated by their count.
void check_heads_fit(const Safetensors& delta, Index classes, const models::VitConfig& config) {
  std::vector<std::string> heads{std::string(engine::kHeadName)};
  if (config.distillation_head) heads.emplace_back(engine::kDistillationHeadName);
  for (const std::string& head : heads) {
    for (const char* part : {".weight", ".bias"})
      engine::check(delta.contains(head + part), delta.path() + ": the delta has no", head + part);
    const engine::Shape shape = delta.entry(head + ".weight").shape(), wanted{classes, config.head_width()};
    engine::check(shape == wanted, delta.path() + ":", head + ".weight has the shape", shape, "but", wanted,
                  "is right for its", classes, "classes and this model");
  }
}

/// A delta may state any size, and memory is taken for its area. Beyond this many times the base's sides it
/// must have positions of that size, or whoever calls must vouch for it.
void check_image_size(const Safetensors& delta, data::ImageSize size, const ModelSource& source,
                      const models::Vit& base) {
  constexpr Index kMostTimes = 4;
  const data::ImageSize of_base = image_size_of(base.config());
  const auto lies_in = [](data::ImageSize inner, data::ImageSize outer) {
    return inner.height <= outer.height && inner.width <= outer.width;
  };
  if (lies_in({size.height / kMostTimes, size.width / kMostTimes}, of_base) ||
      lies_in(size, source.image_size))
    return;
  models::VitConfig config = base.config();
  config.image_height = size.height, config.image_width = size.width;
  const engine::Shape positions{1, config.positioned_prefix() + config.patches(), config.width};
  if (delta.contains(engine::kPositionsName) && delta.entry(engine::kPositionsName).shape() == positions)
    return;
  throw engine::Error(engine::say(delta.path() + ": image_size is", size, "where the base has images of",
                                  engine::say(of_base) + "; --image-size", size, "takes it all the same"));
}

/// A delta holds the parameters that its metadata list, and no other; those of earlier versions list none.
void check_listed(const Safetensors& delta, const std::set<std::string>& stored) {
  const auto found = delta.metadata().find("parameters");
  if (found == delta.metadata().end()) return;
  const std::vector<std::string> list = read_name_list(found->second, delta.path() + ": parameters");
  const std::set<std::string> listed(list.begin(), list.end());
  for (const std::string& name : listed)
    engine::check(stored.contains(name), delta.path() + ": the delta has no", name + ", which it lists");
  for (const std::string& name : stored)
    engine::check(listed.contains(name), delta.path() + ": the delta does not list", name + ", which it has");
}

/// Every parameter of the modules that the method adds must be in the delta: values of their start are
/// random.
void check_modules(const Safetensors& delta, models::Vit& model, const std::set<std::string>& own,
                   const std::set<std::string>& stored) {
  for (const auto& p : engine::parameters(model)) {
    engine::check(own.contains(p.name) || stored.contains(p.name), delta.path() + ": the delta has no",
                  p.name + ", which its method adds to the model");
  }
}

/// Adds the modules whose values the delta holds, as its method makes them.
void attach_modules(models::Vit& model, const Safetensors& delta) {
  const auto& metadata = delta.metadata();
  const auto method = metadata.find("method"), options = metadata.find("options");
  engine::check(method != metadata.end() && options != metadata.end(),
                delta.path() + ": not a delta: its metadata has no method and options");
  std::map<std::string, std::string> values;
  const Json json = engine::parse_json(options->second, delta.path() + ": options");
  engine::check(json.is_object(), delta.path() + ": options should be an object");
  for (const auto& [name, value] : json.items()) {
    engine::check(value.is_string(), delta.path() + ": option", name, "should be a text");
    values[name] = value.get<std::string>();
  }
  std::set<std::string> stored, own;
  for (const auto& [name, part] : peft::read_parts(delta)) stored.insert(name);
  for (const auto& p : engine::parameters(model)) own.insert(p.name);
  check_listed(delta, stored);
  try {
    peft::make_method(method->second, values)->attach(model, stored);
  } catch (const engine::Error& e) {
    throw engine::Error(delta.path() + ": " + e.what());
  }
  check_modules(delta, model, own, stored);
}

/// What the delta states of its base; deltas of version 1.0 state nothing.
BaseFacts facts_of(const Safetensors& delta, const Preprocessing& how, bool force) {
  BaseFacts facts{.delta = delta.path(), .metadata = {}, .image_size = how.size, .force = force};
  for (const char* const key : model_metadata_keys()) {
    const auto found = delta.metadata().find(key);
    if (found != delta.metadata().end()) facts.metadata.insert(*found);
  }
  return facts;
}

/// A delta was trained on images that were turned upright or on images as they are stored.
void check_exif_rotate(const std::string& delta, const Preprocessing& how, const ModelSource& source,
                       bool force, const Events& events) {
  if (source.exif_rotate.value_or(how.exif_rotate) == how.exif_rotate) return;
  const std::string differs =
      engine::say(delta + ": trained on images",
                  how.exif_rotate ? "turned by their EXIF orientation, but --exif-rotate is off"
                                  : "as they are stored, but --exif-rotate turns them");
  if (!force) throw UsageError(differs + "; --force takes it all the same");
  events.on_note("note: " + differs);
}

}  // namespace

LoadedModel load_tuned_model(const ModelSource& source, const std::string& delta, bool force,
                             const Events& events) {
  if (delta.empty()) return load_model(source, events);
  engine::check(fs::exists(delta), delta + ": no such file or folder");
  engine::check(!fs::is_directory(delta), delta + ":", "is a folder; the delta of a run is",
                (fs::path(delta) / "delta.safetensors").string());
  const Safetensors file(delta);
  const auto& metadata = file.metadata();
  const auto stored = [&](const std::string& key) {
    const auto found = metadata.find(key);
    engine::check(found != metadata.end(), file.path() + ": not a delta: its metadata has no", key);
    return found->second;
  };
  const std::string format = stored("format"), version = stored("version");
  engine::check(format == "espalier-delta" && version == "1", file.path() + ": not a delta of version 1 but",
                format, version);
  for (const char* name : {"head.weight", "head.bias"})
    engine::check(file.contains(name), file.path() + ": not a delta: it has no", name);
  const std::vector<std::string> classes = read_name_list(stored("classes"), file.path() + ": classes");
  check_names_differ(classes, file.path());
  ModelSource sized = source;
  const Preprocessing how = read_preprocessing(stored("preprocessing"), file.path());
  sized.image_size =
      source.arch.empty() ? data::ImageSize() : how.size;  // random weights are made for a size
  LoadedModel loaded = load_base(sized, events, facts_of(file, how, force));
  engine::check(force || stored("base_sha256") == loaded.base_sha256,
                file.path() + ": made for another base: sha256", stored("base_sha256") + ", not",
                loaded.base_sha256 + "; --force takes it all the same");
  check_image_size(file, how.size, source, loaded.model);
  check_exif_rotate(file.path(), how, source, force, events);
  try {
    models::resize(loaded.model, how.size.height, how.size.width);  // where the delta's positions belong
  } catch (const engine::Error& e) {
    throw engine::Error(file.path() + ": " + e.what());
  }
  if (const auto cut = metadata.find("cut_sha256"); cut != metadata.end()) loaded.cut_sha256 = cut->second;
  loaded.classes = classes;
  loaded.has_head = true, loaded.no_softmax = no_softmax(static_cast<Index>(classes.size()));
  check_heads_fit(file, static_cast<Index>(classes.size()), loaded.model.config());
  new_head(loaded, static_cast<Index>(classes.size()), "zeros", 0);
  attach_modules(loaded.model, file);
  peft::apply_delta(loaded.model, file);
  if (source.sets_image_size())
    as_usage([&] { models::resize(loaded.model, source.image_size.height, source.image_size.width); });
  loaded.arch = models::architecture_name(loaded.model.config());
  loaded.preprocessing = source.preprocessing(how, image_size_of(loaded.model.config()));
  return loaded;
}

}  // namespace training
