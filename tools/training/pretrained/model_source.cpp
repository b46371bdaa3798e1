#include "tools/training/pretrained/model_source.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "engine/base/text.h"
#include "engine/io/in_quotes.h"
#include "engine/io/safetensors.h"
#include "engine/nn/roles.h"
#include "models/positions.h"
#include "models/words.h"
#include "models/zoo.h"
#include "tools/training/pretrained/at_image_size.h"
#include "tools/training/pretrained/imagenet_classes.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/pretrained/model_config.h"
#include "tools/training/pretrained/model_path.h"
#include "tools/training/pretrained/weights.h"
#include "tools/training/usage_error.h"

namespace training {

using engine::Dtype;
using engine::NamedTensors;
using engine::Tensor;

namespace {

/// Runs `f` and puts the name of the file in front of its errors.
template <class F>
void about(const Weights& file, F f) {
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
void fill(LoadedModel& loaded, NamedTensors state) {
  if (!loaded.has_head) {
    for (const auto& [name, tensor] : engine::state(loaded.model))
      if (engine::in_head(name)) state.emplace_back(name, tensor);
  }
  engine::load_state(loaded.model, std::move(state), loaded.checkpoint.string());
}

/// What a delta says of its base takes the place of what the base does not say.
void add_facts(const BaseFacts& stated, ModelConfig& config) {
  const models::Facts facts = read_metadata(stated.metadata, stated.delta).facts;
  const auto add = [](const auto& from, auto& to) {
    if (!to) to = from;
  };
  add(facts.heads, config.facts.heads);
  add(facts.pool_heads, config.facts.pool_heads);
  add(facts.norm_eps, config.facts.norm_eps);
  add(facts.activation, config.facts.activation);
  add(facts.pooling, config.facts.pooling);
  add(facts.resampling, config.facts.resampling);
  add(facts.rope, config.facts.rope);
  add(facts.pooled_norm, config.facts.pooled_norm);
  add(facts.positions, config.facts.positions);
  add(facts.distillation_head, config.facts.distillation_head);
  if (stated.image_size.height == 0 || config.facts.image_height) return;
  config.facts.image_height = stated.image_size.height;
  config.facts.image_width = stated.image_size.width;
}

/// What a layout says for certain counts before all else; how it pools and resizes positions,
/// where nothing else does.
void take_facts(const models::Facts& of_weights, models::Facts& facts) {
  if (of_weights.heads) facts.heads = of_weights.heads;
  if (of_weights.norm_eps) facts.norm_eps = of_weights.norm_eps;
  if (!facts.pooling) facts.pooling = of_weights.pooling;
  if (!facts.resampling) facts.resampling = of_weights.resampling;
}

/// A value as people write it: 1e-06 for 9.9999999999999995e-07.
std::string plain_value(const std::string& text) {
  try {
    return engine::shortest(engine::parse_number(text, ""));
  } catch (const engine::Error&) {
    return text;
  }
}

/// The model must be what the delta was made for.
void check_facts(const BaseFacts& facts, const models::VitConfig& base, const Events& events) {
  const engine::Metadata of_base = model_metadata(base);
  for (const auto& [key, value] : facts.metadata) {
    const auto found = of_base.find(key);
    const std::string stated = plain_value(value),
                      has = found == of_base.end() ? "" : plain_value(found->second);
    if (stated == has) continue;
    const std::string differs =
        engine::say(facts.delta + ": made with", key, engine::in_quotes(stated) + ",", "but the base has",
                    has.empty() ? "none" : engine::in_quotes(has));
    engine::check(facts.force, differs + "; --force takes it all the same");
    events.on_note("note: " + differs);
  }
}

/// The names of classes, where there is one for every row of the head and none comes twice; otherwise a note.
std::vector<std::string> names_of_rows(const ModelConfig& config, Index rows, const Events& events) {
  const auto& names = config.classes;
  if (names.empty() || rows == 0) return {};
  std::set<std::string_view> seen;
  const auto twice =
      std::ranges::find_if(names, [&](const std::string& name) { return !seen.insert(name).second; });
  if (static_cast<Index>(names.size()) == rows && twice == names.end()) return names;
  const std::string why =
      static_cast<Index>(names.size()) == rows
          ? engine::say("two classes are called", engine::in_quotes(*twice))
          : engine::say("there are", names.size(), "names for the", rows, "rows of the head");
  events.on_note("note: " + why + ": names are passed over, and classes are told by their place");
  return {};
}

/// Names for a head that is ImageNet-1k's by timm's tag, or by torchvision's names of the weights.
void name_imagenet_classes(LoadedModel& loaded, Index rows, const std::string& tag, bool torchvision) {
  if (rows != std::ssize(imagenet_classes()) || (tag.empty() && !torchvision)) return;
  loaded.shown_classes = imagenet_classes();
  loaded.shown_note = "the checkpoint names no classes; " +
                      (tag.empty() ? "its weights are named as torchvision's"
                                   : "by its tag " + engine::in_quotes(tag) + " the head is ImageNet-1k's") +
                      ", so its classes are shown by ImageNet-1k's names";
}

/// The config of a model for images of the size that the options ask for, if any.
models::VitConfig at_size(const models::VitConfig& made, const ModelSource& source) {
  const auto [height, width] = source.image_size;
  const models::VitConfig c = source.sets_image_size() ? models::at_image_size(made, height, width) : made;
  models::check_config(c);
  return c;
}

LoadedModel from_checkpoint(const ModelSource& source, const Events& events, bool with_head,
                            const BaseFacts& facts) {
  const ModelPath found = find_model(source.model);
  const Weights file(found.weights);
  if (!file.note().empty()) events.on_note("note: " + file.note());
  ModelConfig config = read_model_config(found.folder, file.metadata(), file.path(), source);
  add_facts(facts, config);
  TimmWeights weights = file.read(with_head, config.facts);
  for (const std::string& note : weights.notes) events.on_note("note: " + note);
  NamedTensors& state = weights.tensors;
  check_types(state, file.path());

  std::map<std::string, engine::Shape> shapes;
  for (const auto& [name, tensor] : state) shapes.emplace(name, tensor.shape());
  take_facts(weights.facts, config.facts);
  // Rotary embeddings have no size of their own.
  if (!config.facts.image_height && source.sets_image_size() &&
      !shapes.contains(std::string(engine::kPositionsName))) {
    config.facts.image_height = source.image_size.height;
    config.facts.image_width = source.image_size.width;
  }
  models::VitConfig stored;
  about(file, [&] {
    stored = models::config_from_shapes(shapes, config.facts, weights.torchvision);
    check_sizes(config, stored);
  });
  engine::check(stored.channels == 3, file.path() + ": the patch embedding has", stored.channels,
                "channels, but images have 3");
  if (!config.facts.heads) {
    config.notes.push_back(engine::say(
        "nothing states the number of heads: taking", stored.heads,
        weights.torchvision ? "as torchvision's models of this width have" : "(width / 64)", "with eps",
        engine::shortest(stored.norm_eps) + ", activation", std::string(models::word_of(stored.activation)),
        "and pooling", std::string(models::word_of(stored.pooling))));
  }
  if (stored.classes > 0 && !config.without_head.empty() && !written_by_us(file.metadata())) {
    config.notes.push_back(engine::say("config.json names",
                                       config.without_head + ", which has no classifier, but", file.path(),
                                       "has one: it is taken to read the pooling",
                                       engine::in_quotes(std::string(models::word_of(stored.pooling)))));
  }
  for (const std::string& note : config.notes) events.on_note("note: " + note);
  check_facts(facts, stored, events);
  const bool has_head = stored.classes > 0;
  models::VitConfig sizes = stored;
  sizes.classes = std::max<Index>(1, stored.classes);
  const models::VitConfig wanted = as_usage([&] { return at_size(sizes, source); });

  LoadedModel loaded{.model = models::Vit(sizes),
                     .arch = models::architecture_name(wanted),
                     .base_sha256 = file.sha256(),
                     .checkpoint = found.weights,
                     .has_head = has_head,
                     .no_softmax = config.no_softmax,
                     .classes = names_of_rows(config, stored.classes, events),
                     .stored_preprocessing = config.preprocessing,
                     .preprocessing = {}};
  if (config.classes.empty() && !written_by_us(file.metadata()))
    name_imagenet_classes(loaded, stored.classes, config.imagenet_tag, weights.torchvision);
  if (stored.classes == 1)
    loaded.no_softmax = "it has one row, which is the most probable of all whatever it is";
  if (const auto cut = file.metadata().find("cut_sha256"); cut != file.metadata().end())
    loaded.cut_sha256 = cut->second;
  fill(loaded, std::move(state));
  models::resize(loaded.model, wanted.image_height, wanted.image_width);
  return loaded;
}

LoadedModel from_random(const ModelSource& source, const Events& events) {
  const models::VitConfig config =
      as_usage([&] { return at_size(models::architecture(source.arch), source); });
  LoadedModel loaded{.model = models::Vit(config),
                     .arch = source.arch,
                     .base_sha256 = {},
                     .checkpoint = {},
                     .has_head = true,
                     .no_softmax = {},
                     .classes = {},
                     .stored_preprocessing = {},
                     .preprocessing = {}};
  models::initialize(loaded.model, static_cast<std::uint64_t>(source.seed));
  if (source.sets_image_size()) loaded.arch = models::architecture_name(config);
  loaded.base_sha256 = engine::sha256_of_safetensors(engine::state(loaded.model));
  events.on_note("note: random weights (--arch without --model)");
  return loaded;
}

}  // namespace

LoadedModel load_base(const ModelSource& source, const Events& events, const BaseFacts& facts) {
  const Threads threads = use_threads(source.threads, events);
  ModelSource judged = source;
  judged.interpolation = "bicubic", judged.resize = "squash";  // the delta has a preprocessing of its own
  LoadedModel loaded =
      source.model.empty() ? from_random(source, events) : from_checkpoint(judged, events, false, facts);
  if (source.model.empty()) check_facts(facts, loaded.model.config(), events);
  loaded.threads = threads;
  return loaded;
}

LoadedModel load_model(const ModelSource& source, const Events& events, bool with_head) {
  const Threads threads = use_threads(source.threads, events);
  LoadedModel loaded =
      source.model.empty() ? from_random(source, events) : from_checkpoint(source, events, with_head, {});
  loaded.threads = threads;
  const bool any_set = !(source.mean + source.std + source.interpolation + source.resize).empty();
  if (!loaded.stored_preprocessing && !any_set)
    events.on_note("note: no config states how images are prepared; using mean = std = 0.5, bicubic, squash");
  loaded.preprocessing =
      source.preprocessing(loaded.stored_preprocessing, image_size_of(loaded.model.config()));
  return loaded;
}

std::string no_softmax(Index rows) {
  return rows == 1 ? "it has one row, whose probability by softmax is always 1" : "";
}

void check_head(const LoadedModel& loaded, const std::string& path) {
  engine::check(loaded.has_head, path + ": the checkpoint has no head; tune one, or give --delta");
  engine::check(loaded.no_softmax.empty(),
                path + ": the head is no classifier by softmax:", loaded.no_softmax);
}

std::vector<RenamedRow> order_head_by(LoadedModel& loaded, const std::vector<std::string>& classes) {
  std::map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < loaded.classes.size(); ++i) places[loaded.classes[i]] = i;
  const std::set<std::string_view> wanted(classes.begin(), classes.end());
  std::size_t other = 0;  // the next row of a name that is not wanted
  std::vector<std::size_t> rows;
  std::vector<RenamedRow> renamed;
  for (const std::string& name : classes) {
    if (const auto known = places.find(name); known != places.end()) {
      rows.push_back(known->second);
      continue;
    }
    while (wanted.contains(loaded.classes[other])) ++other;
    renamed.push_back({name, loaded.classes[other]});
    rows.push_back(other++);
  }
  std::vector<engine::Parameter> parameters;
  for (engine::Linear* head : loaded.model.heads())
    parameters.insert(parameters.end(), {head->weight, *head->bias});
  for (const engine::Parameter& parameter : parameters) {
    const Tensor before = parameter.value().clone();
    const std::size_t row = before.bytes() / classes.size();
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::memcpy(parameter.value().raw() + i * row, before.raw() + rows[i] * row, row);
  }
  loaded.classes = classes;
  return renamed;
}

void new_head(LoadedModel& loaded, Index classes, const std::string& how, std::uint64_t seed) {
  loaded.model.replace_head(classes);
  if (how != "zeros") models::initialize_head(loaded.model, seed);
}

}  // namespace training
