#include "tools/training/pretrained/model_source.h"

#include <algorithm>
#include <map>

#include "engine/io/in_quotes.h"
#include "engine/io/safetensors.h"
#include "engine/io/sharded_safetensors.h"
#include "engine/kernels/parallel.h"
#include "engine/nn/roles.h"
#include "models/names.h"
#include "models/positions.h"
#include "models/zoo.h"
#include "tools/training/pretrained/model_config.h"
#include "tools/training/pretrained/model_path.h"
#include "tools/training/usage_error.h"

namespace training {

using engine::Dtype;
using engine::NamedTensors;
using engine::Safetensors;
using engine::ShardedSafetensors;
using engine::Tensor;

namespace {

/// The tensors of a checkpoint. Refuses those that training can only fail on later.
NamedTensors read_weights(const ShardedSafetensors& weights) {
  NamedTensors state;
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

/// Runs `f` and puts the name of the file in front of its errors.
template <class F>
void about(const ShardedSafetensors& file, F f) {
  try {
    f();
  } catch (const engine::Error& e) {
    throw engine::Error(file.path() + ": " + e.what());
  }
}

void check_types(const NamedTensors& state, const std::string& file) {
  for (const auto& [name, tensor] : state) {
    engine::check(
        tensor.dtype() != Dtype::i64 && tensor.dtype() != Dtype::u8, file + ": weight", name,
        "holds whole numbers (" + engine::say(tensor.dtype()) + "); f32, f16, bf16 or f64 is needed");
  }
}

/// Everything of `state` that the model has; without a head in the checkpoint, a head of zeros.
void fill(LoadedModel& loaded, NamedTensors state, const models::VitConfig& stored) {
  const Index wanted = loaded.model.config().grid();
  for (auto& [name, tensor] : state) {
    if (name == engine::kPositionsName && stored.grid() != wanted)
      tensor = models::resize_positions(tensor.to(Dtype::f32), wanted);
  }
  if (!loaded.has_head) {
    state.emplace_back("head.weight", loaded.model.head().weight.value());
    state.emplace_back("head.bias", loaded.model.head().bias->value());
  }
  engine::load_state(loaded.model, std::move(state), loaded.checkpoint.string());
}

LoadedModel from_checkpoint(const ModelSource& source, const Events& events) {
  const ModelPath found = find_model(source.model);
  const ShardedSafetensors file(found.weights);
  if (const auto stated = file.wrong_total_size()) {
    events.on_note(engine::say("note:", file.path() + ": total_size is", *stated, "but the tensors have",
                               file.bytes(), "bytes"));
  }
  NamedTensors state = read_weights(file);
  about(file, [&] { state = models::to_timm_names(std::move(state)); });
  check_types(state, file.path());
  const ModelConfig config = read_model_config(found.folder, file.metadata(), file.path());

  std::map<std::string, engine::Shape> shapes;
  for (const auto& [name, tensor] : state) shapes.emplace(name, tensor.shape());
  models::VitConfig stored;
  about(file, [&] { stored = models::config_from_shapes(shapes, config.heads); });
  stored.norm_eps = config.norm_eps.value_or(stored.norm_eps);
  const bool has_head = stored.classes > 0;
  models::VitConfig sizes = stored;
  sizes.classes = std::max<Index>(1, stored.classes);
  if (source.image_size > 0) sizes.image_size = source.image_size;
  as_usage([&] { models::check_config(sizes); });

  LoadedModel loaded{.model = models::Vit(sizes),
                     .arch = models::architecture_name(sizes),
                     .base_sha256 = file.sha256(),
                     .checkpoint = found.weights,
                     .has_head = has_head,
                     .classes = {},
                     .stored_preprocessing = {},
                     .preprocessing = {}};
  if (static_cast<Index>(config.classes.size()) == stored.classes) loaded.classes = config.classes;
  loaded.stored_preprocessing = config.preprocessing;
  fill(loaded, std::move(state), stored);
  return loaded;
}

LoadedModel from_random(const ModelSource& source, const Events& events) {
  models::VitConfig config = as_usage([&] { return models::architecture(source.arch); });
  if (source.image_size > 0) config.image_size = source.image_size;
  as_usage([&] { models::check_config(config); });
  LoadedModel loaded{.model = models::Vit(config),
                     .arch = source.arch,
                     .base_sha256 = {},
                     .checkpoint = {},
                     .has_head = true,
                     .classes = {},
                     .stored_preprocessing = {},
                     .preprocessing = {}};
  models::initialize(loaded.model, static_cast<std::uint64_t>(source.seed));
  if (source.image_size > 0) loaded.arch = models::architecture_name(config);
  loaded.base_sha256 = engine::sha256_of_safetensors(engine::state(loaded.model));
  events.on_note("note: random weights (--arch without --model)");
  return loaded;
}

}  // namespace

LoadedModel load_base(const ModelSource& source, const Events& events) {
  engine::kernels::set_threads(static_cast<int>(source.threads));
  return source.model.empty() ? from_random(source, events) : from_checkpoint(source, events);
}

LoadedModel load_model(const ModelSource& source, const Events& events) {
  LoadedModel loaded = load_base(source, events);
  const bool any_set = !(source.mean + source.std + source.interpolation + source.resize).empty();
  if (!loaded.stored_preprocessing && !any_set)
    events.on_note("note: no config states how images are prepared; using mean = std = 0.5, bicubic, squash");
  loaded.preprocessing = source.preprocessing(loaded.stored_preprocessing, loaded.model.config().image_size);
  return loaded;
}

void new_head(LoadedModel& loaded, Index classes, const std::string& how, std::uint64_t seed) {
  loaded.model.replace_head(classes);
  if (how != "zeros") models::initialize_head(loaded.model, seed);
}

}  // namespace training
