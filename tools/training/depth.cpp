#include "tools/training/depth.h"

#include <cmath>

#include "engine/nn/roles.h"
#include "tools/training/usage_error.h"

namespace training {

using engine::Selection;

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
  if (config.freeze_blocks == 0 && config.reinit_blocks == 0) return;
  const Index blocks = model.config().depth;
  for (const auto& [name, parameter] : engine::parameters(model)) {
    const Index layer = engine::role_of(name).layer(blocks);
    const bool held = config.freeze_blocks > 0 && layer <= config.freeze_blocks;
    const bool fresh = layer > blocks - config.reinit_blocks && layer <= blocks;
    if (held && parameter.trains().any()) parameter.freeze();
    if (fresh && !parameter.trains().whole()) parameter.train(Selection::all());
  }
}

double depth_rate(const std::string& name, Index blocks, double decay) {
  return std::pow(decay, static_cast<double>(blocks + 1 - engine::role_of(name).layer(blocks)));
}

void check_depth(const models::Vit& model, const TrainConfig& config) {
  const Index blocks = model.config().depth;
  const Index named = config.freeze_blocks + config.reinit_blocks;
  if (named > blocks) {
    throw UsageError(engine::say("--freeze-blocks", config.freeze_blocks, "and --reinit-blocks",
                                 config.reinit_blocks, "are more than the", blocks, "blocks of the model"));
  }
}

}  // namespace training
