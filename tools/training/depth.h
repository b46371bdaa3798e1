#pragma once

#include <memory>

#include "models/vit.h"
#include "peft/method.h"
#include "tools/training/train_config.h"

namespace training {

using engine::Index;

// What holds for any method, by the depth in the model: --freeze-blocks, --select-blocks, --reinit-blocks and
// --layer-decay.

/// The method of `config`, limited to the layers that may train. Throws an Error for options that it does not
/// take.
std::unique_ptr<peft::Method> make_method(const TrainConfig& config);

/// Throws a UsageError when the method cannot be what `config` says with this model: it has fewer blocks than
/// are named, lacks what an option of the method names, or nothing is left to choose from.
void check_method(const peft::Method& method, models::Vit& model, const TrainConfig& config);

/// "chosen from 16 of 49 matrices: blocks 9 to 12"; empty when nothing limits what `method` chooses from.
std::string describe_pool(const peft::Method& method, models::Vit& model, const TrainConfig& config);

/// Gives the last --reinit-blocks blocks the random weights of a new model.
void reinitialize_blocks(models::Vit& model, const TrainConfig& config);

/// Freezes all but the head outside the layers that may train, and trains the blocks that were given new
/// weights whole, whatever the method does. To be called whenever the method has set what trains.
void apply_depth(models::Vit& model, const TrainConfig& config);

/// The factor of a parameter's learning rate: decay to the power of the layers above its own. The embeddings
/// are layer 0, block i is layer i + 1, the final norm and the head are the last, as in timm.
double depth_rate(const std::string& name, Index blocks, double decay);

}  // namespace training
