#include "tools/training/depth.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/base/text.h"
#include "engine/nn/roles.h"
#include "peft/methods.h"
#include "peft/target.h"
#include "tools/training/usage_error.h"

namespace training {

using engine::NamedParameter;
using engine::Selection;

namespace {

void check_depth(const models::Vit& model, const TrainConfig& config) {
  const Index blocks = model.config().depth;
  const Index named = config.freeze_blocks + config.reinit_blocks;
  if (named > blocks) {
    throw UsageError(engine::say("--freeze-blocks", config.freeze_blocks, "and --reinit-blocks",
                                 config.reinit_blocks, "are more than the", blocks, "blocks of the model"));
  }
  if (!config.select_blocks.empty() && config.layers().last > blocks)
    throw UsageError(engine::say("--select-blocks", config.select_blocks, "is more than the", blocks,
                                 "blocks of the model"));
}

/// The options that say what is chosen from, as they were given.
std::vector<std::string> limits(const TrainConfig& config) {
  std::vector<std::string> all;
  if (config.freeze_blocks > 0) all.push_back(engine::say("--freeze-blocks", config.freeze_blocks));
  if (!config.select_blocks.empty()) all.push_back("--select-blocks " + config.select_blocks);
  const auto targets = config.method_options.find("targets");
  if (targets != config.method_options.end() && !targets->second.empty())
    all.push_back("--targets " + targets->second);
  return all;
}

/// "1 to 3", "2".
std::string range_text(Index first, Index last) {
  return first == last ? engine::say(first) : engine::say(first, "to", last);
}

/// Where these parameters are: "the embeddings, blocks 1 to 3 and 5, behind the blocks".
std::string describe_layers(const std::vector<NamedParameter>& parameters, Index blocks) {
  std::set<Index> layers;
  for (const NamedParameter& p : parameters) layers.insert(engine::role_of(p.name).layer(blocks));
  std::vector<std::string> ranges, places;
  for (Index first = 1; first <= blocks; ++first) {
    if (!layers.contains(first)) continue;
    Index last = first;
    while (last < blocks && layers.contains(last + 1)) ++last;
    ranges.push_back(range_text(first, last));
    first = last;
  }
  if (layers.contains(0)) places.emplace_back("the embeddings");
  if (!ranges.empty()) {
    const bool one = ranges.size() == 1 && ranges.front().find(' ') == std::string::npos;
    places.push_back((one ? "block " : "blocks ") + engine::join(ranges, ", "));
  }
  if (layers.contains(blocks + 1)) places.emplace_back("what is behind the blocks");
  return engine::join(places, ", ");
}

}  // namespace

std::unique_ptr<peft::Method> make_method(const TrainConfig& config) {
  auto method =
      peft::make_method(config.method, config.method_options, static_cast<std::uint64_t>(config.model.seed));
  method->limit_to(config.layers());
  return method;
}

void check_method(const peft::Method& method, models::Vit& model, const TrainConfig& config) {
  check_depth(model, config);
  as_usage([&] {
    const bool limited = method.traits().chooses && config.layers() != engine::LayerRange();
    engine::check(!limited || !method.pool(model).empty(), engine::join(limits(config), " and "),
                  "leave nothing to choose from");
    method.check_model(model);
  });
}

std::string describe_pool(const peft::Method& method, models::Vit& model, const TrainConfig& config) {
  if (!method.traits().chooses || limits(config).empty()) return "";
  const std::vector<NamedParameter> pool = method.pool(model);
  std::vector<NamedParameter> all = peft::parameters_of(model, {});
  const bool matrices = std::ranges::all_of(pool, peft::is_weight_matrix);
  if (matrices) std::erase_if(all, [](const NamedParameter& p) { return !peft::is_weight_matrix(p); });
  return engine::say("chosen from", pool.size(), "of", all.size(),
                     matrices ? "matrices:" : "parameters:", describe_layers(pool, model.config().depth));
}

void reinitialize_blocks(models::Vit& model, const TrainConfig& config) {
  if (config.reinit_blocks == 0) return;
  models::Vit fresh(model.config());
  models::initialize(fresh, static_cast<std::uint64_t>(config.model.seed));
  const Index first = model.config().depth - config.reinit_blocks;
  const auto values = engine::parameters(fresh);
  auto from = values.begin();
  for (const auto& [name, parameter] : engine::parameters(model)) {
    if (engine::block_of(name).value_or(-1) >= first) parameter.value() = from->parameter.value();
    ++from;
  }
}

void apply_depth(models::Vit& model, const TrainConfig& config) {
  const engine::LayerRange layers = config.layers();
  if (layers == engine::LayerRange() && config.reinit_blocks == 0) return;
  const Index blocks = model.config().depth;
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const Index layer = engine::role_of(name).layer(blocks);
    const bool fresh = layer > blocks - config.reinit_blocks && layer <= blocks;
    if (!layers.contains(name, blocks) && parameter.trains().any()) parameter.freeze();
    if (fresh && !parameter.trains().whole()) parameter.train(Selection::all());
  }
}

double depth_rate(const std::string& name, Index blocks, double decay) {
  return std::pow(decay, static_cast<double>(blocks + 1 - engine::role_of(name).layer(blocks)));
}

}  // namespace training
