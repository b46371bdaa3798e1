#include "tools/model_source.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "engine/io/sharded_safetensors.h"
#include "engine/kernels/parallel.h"
#include "models/names.h"
#include "models/positions.h"
#include "models/zoo.h"
#include "peft/delta.h"
#include "peft/methods.h"
#include "tools/console.h"
#include "tools/json_field.h"
#include "tools/model_config.h"
#include "tools/model_path.h"

namespace tools {

using data::Preprocessing;
using engine::Dtype;
using engine::Json;
using engine::Safetensors;
using engine::ShardedSafetensors;
using engine::State;
using engine::Tensor;
namespace fs = std::filesystem;

namespace {

constexpr Index kMostPixels = 8192;  // in a side of a picture, as data::check_preprocessing has it

/// The tensors of a checkpoint. Refuses those that training can only fail on later.
State read_weights(const ShardedSafetensors& weights) {
  State state;
  for (const Safetensors& file : weights.files()) {
    for (const std::string& name : file.names()) {
      Tensor tensor = file.read(name);
      // As they are used: 1e300 becomes infinite.
      if (tensor.dtype() != Dtype::i64 && tensor.dtype() != Dtype::u8)
        engine::check_finite(tensor, Dtype::f32, file.path() + ": tensor " + engine::in_quotes(name));
      state.emplace_back(name, std::move(tensor));
    }
  }
  return state;
}

void check_types(const State& state, const std::string& file) {
  for (const auto& [name, tensor] : state) {
    engine::check(
        tensor.dtype() != Dtype::i64 && tensor.dtype() != Dtype::u8, file + ": weight", name,
        "holds whole numbers (" + engine::say(tensor.dtype()) + "); f32, f16, bf16 or f64 is needed");
  }
}

/// Everything of `state` that the model wants; without a head in the checkpoint, a head of zeros.
void fill(LoadedModel& loaded, State state, const models::VitConfig& stored) {
  const Index wanted = loaded.model.config().grid();
  for (auto& [name, tensor] : state) {
    if (name == "pos_embed" && stored.grid() != wanted)
      tensor = models::resize_positions(tensor.to(Dtype::f32), wanted);
  }
  if (!loaded.has_head) {
    state.emplace_back("head.weight", loaded.model.head().weight.value());
    state.emplace_back("head.bias", loaded.model.head().bias->value());
  }
  engine::load_state(loaded.model, std::move(state), loaded.checkpoint.string());
}

LoadedModel from_checkpoint(const ModelOptions& options) {
  const ModelPath found = find_model(options.model);
  const ShardedSafetensors file(found.weights);
  if (const auto told = file.wrong_total_size()) {
    note(engine::say("note:", file.path() + ": total_size is", *told, "but the tensors have", file.bytes(),
                     "bytes"));
  }
  State state = models::to_timm_names(read_weights(file));
  check_types(state, file.path());
  const ModelConfig config = read_model_config(found.folder, file.metadata(), file.path());

  std::map<std::string, engine::Shape> shapes;
  for (const auto& [name, tensor] : state) shapes.emplace(name, tensor.shape());
  models::VitConfig stored;
  try {
    stored = models::config_from_shapes(shapes, config.heads);
  } catch (const engine::Error& e) {
    throw engine::Error(file.path() + ": " + e.what());
  }
  stored.norm_eps = config.norm_eps.value_or(stored.norm_eps);
  const bool has_head = stored.classes > 0;
  models::VitConfig sizes = stored;
  sizes.classes = std::max<Index>(1, stored.classes);
  if (options.image_size > 0) sizes.image_size = options.image_size;
  as_usage([&] { models::check_config(sizes); });

  LoadedModel loaded{.model = models::Vit(sizes),
                     .arch = models::architecture_name(sizes),
                     .base_sha256 = file.sha256(),
                     .checkpoint = found.weights,
                     .has_head = has_head,
                     .classes = {},
                     .told = {},
                     .preprocessing = {}};
  if (static_cast<Index>(config.classes.size()) == stored.classes) loaded.classes = config.classes;
  loaded.told = config.preprocessing;
  fill(loaded, std::move(state), stored);
  return loaded;
}

LoadedModel from_random(const ModelOptions& options) {
  models::VitConfig config = as_usage([&] { return models::architecture(options.arch); });
  if (options.image_size > 0) config.image_size = options.image_size;
  as_usage([&] { models::check_config(config); });
  LoadedModel loaded{.model = models::Vit(config),
                     .arch = options.arch,
                     .base_sha256 = {},
                     .checkpoint = {},
                     .has_head = true,
                     .classes = {},
                     .told = {},
                     .preprocessing = {}};
  models::initialize(loaded.model, static_cast<std::uint64_t>(options.seed));
  if (options.image_size > 0) loaded.arch = models::architecture_name(config);
  loaded.base_sha256 = engine::sha256_of_safetensors(engine::state(loaded.model));
  note("note: random weights (--arch without --model)");
  return loaded;
}

std::array<float, 3> three_numbers(const std::string& text, const std::string& option) {
  const std::vector<std::string> parts = engine::split(text, ',');
  if (parts.size() != 3) throw UsageError(option + " takes three numbers a,b,c, not '" + text + "'");
  std::array<float, 3> numbers{};
  for (std::size_t i = 0; i < 3; ++i) numbers[i] = static_cast<float>(engine::parse_number(parts[i], option));
  return numbers;
}

/// Writes what the options say over what the checkpoint or delta says.
void override_with(const ModelOptions& options, Preprocessing& how) {
  as_usage([&] {
    if (!options.mean.empty()) how.mean = three_numbers(options.mean, "--mean");
    if (!options.std.empty()) how.std = three_numbers(options.std, "--std");
    if (!options.interpolation.empty()) how.filter = data::filter_named(options.interpolation);
    if (!options.resize.empty()) how.mode = data::mode_named(options.resize);
    data::check_preprocessing(how);
  });
}

/// Settles how pictures are prepared: as the file `told`, else in the standard way, and as the options say.
void settle_preprocessing(const ModelOptions& options, const std::optional<Preprocessing>& told,
                          LoadedModel& loaded) {
  const bool any_option = !(options.mean + options.std + options.interpolation + options.resize).empty();
  if (!told && !any_option)
    note("note: no config tells how pictures are prepared; using mean = std = 0.5, bicubic, squash");
  loaded.preprocessing = told.value_or(Preprocessing{});
  loaded.preprocessing.size = loaded.model.config().image_size;
  override_with(options, loaded.preprocessing);
}

/// Makes the model one for pictures of another size, its position embedding interpolated.
void resize(models::Vit& model, Index size) {
  models::VitConfig config = model.config();
  if (config.image_size == size) return;
  config.image_size = size;
  models::check_config(config);
  for (const auto& [name, tensor] : engine::state(model))
    if (name == "pos_embed") model.resize(size, models::resize_positions(tensor, config.grid()));
}

void check_names_differ(const std::vector<std::string>& classes, const std::string& file) {
  std::set<std::string_view> names;
  for (const std::string& name : classes)
    engine::check(names.insert(name).second, file + ": two classes are called", name);
}

/// A delta's head must be there for all its classes: memory is taken for their number.
void check_head(const Safetensors& delta, Index classes, Index width) {
  const engine::Shape head = delta.entry("head.weight").shape(), wanted{classes, width};
  engine::check(head == wanted, delta.path() + ": head.weight has the shape", head, "but", wanted,
                "is right for its", classes, "classes and this model");
}

/// Adds the modules whose numbers the delta holds, as its method makes them.
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
  std::set<std::string> stored;
  for (const auto& [name, part] : peft::read_parts(delta)) stored.insert(name);
  try {
    peft::make_method(method->second, values)->attach(model, stored);
  } catch (const engine::Error& e) {
    throw engine::Error(delta.path() + ": " + e.what());
  }
}

LoadedModel load_base(const ModelOptions& options) {
  engine::kernels::set_threads(static_cast<int>(options.threads));
  return options.model.empty() ? from_random(options) : from_checkpoint(options);
}

}  // namespace

void ModelOptions::add_to(Args& args) {
  args.group("Model and pictures");
  args.text(
      "--model", model, "PATH",
      "checkpoint: a .safetensors file, the index of one in shards, or a folder with either and config.json");
  args.text("--arch", arch, "NAME", "random weights of this architecture, by timm's name");
  args.text("--mean", mean, "a,b,c", "subtracted from pixels in 0..1");
  args.text("--std", std, "a,b,c", "then divided by");
  args.choice("--interpolation", interpolation, {"bilinear", "bicubic"}, "how pictures are resized");
  args.choice("--resize", resize, {"squash", "crop"},
              "squash to N x N, or resize the short side and cut the centre");
  args.integer("--image-size", image_size, 1, "side of the pictures (the checkpoint's)", kMostPixels);
  args.integer("--seed", seed, 0, "of all random numbers", std::numeric_limits<Index>::max());
  args.integer("--threads", threads, 1, "threads (all cores); results do not depend on it", kMostThreads);
}

void ModelOptions::check() const {
  if (model.empty() && arch.empty())
    throw UsageError("a model is needed: --model PATH, or --arch NAME for random weights");
  if (!model.empty() && !arch.empty())
    throw UsageError("--model and --arch exclude each other: the architecture comes from the checkpoint");
  Preprocessing how;
  override_with(*this, how);
  if (!arch.empty()) as_usage([&] { models::architecture(arch); });
}

LoadedModel load_model(const ModelOptions& options) {
  LoadedModel loaded = load_base(options);
  settle_preprocessing(options, loaded.told, loaded);
  return loaded;
}

LoadedModel load_tuned_model(const ModelOptions& options, const std::string& delta, bool force) {
  if (delta.empty()) return load_model(options);
  engine::check(fs::exists(delta), delta + ": no such file or folder");
  const Safetensors file(delta);
  const auto& metadata = file.metadata();
  const auto told = [&](const std::string& key) {
    const auto found = metadata.find(key);
    engine::check(found != metadata.end(), file.path() + ": not a delta: its metadata has no", key);
    return found->second;
  };
  const std::string format = told("format"), version = told("version");
  engine::check(format == "espalier-delta" && version == "1", file.path() + ": not a delta of version 1 but",
                format, version);
  for (const char* name : {"head.weight", "head.bias"})
    engine::check(file.contains(name), file.path() + ": not a delta: it has no", name);
  const std::vector<std::string> classes = read_class_list(told("classes"), file.path());
  check_names_differ(classes, file.path());
  ModelOptions sized = options;
  const Preprocessing how = read_preprocessing(told("preprocessing"), file.path());
  sized.image_size = options.arch.empty() ? 0 : how.size;  // random weights are made for a size
  LoadedModel loaded = load_base(sized);
  engine::check(force || told("base_sha256") == loaded.base_sha256,
                file.path() + ": made for another base: sha256", told("base_sha256") + ", not",
                loaded.base_sha256 + "; --force takes it all the same");
  resize(loaded.model, how.size);  // where the delta's positions belong
  loaded.classes = classes;
  check_head(file, static_cast<Index>(classes.size()), loaded.model.config().width);
  new_head(loaded, static_cast<Index>(classes.size()), "zeros", 0);
  attach_modules(loaded.model, file);
  peft::apply_delta(loaded.model, file);
  if (options.image_size > 0) as_usage([&] { resize(loaded.model, options.image_size); });
  loaded.arch = models::architecture_name(loaded.model.config());
  settle_preprocessing(options, how, loaded);
  return loaded;
}

void new_head(LoadedModel& loaded, Index classes, const std::string& how, std::uint64_t seed) {
  loaded.model.replace_head(classes);
  if (how != "zeros") models::initialize_head(loaded.model, seed);
}

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

}  // namespace tools
