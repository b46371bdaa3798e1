#pragma once

#include "models/vit.h"
#include "tools/training/train_config.h"

namespace training {

using engine::Index;

// What holds for any method, by the depth in the model: --freeze-blocks, --reinit-blocks and --layer-decay.

/// Gives the last --reinit-blocks blocks the random weights of a new model.
void reinitialize_blocks(models::Vit& model, const TrainConfig& config);

/// Freezes the embeddings and the first --freeze-blocks blocks, and trains those that were given new weights
/// whole, whatever the method does. To be called whenever the method has set what trains.
void apply_depth(models::Vit& model, const TrainConfig& config);

/// The factor of a parameter's learning rate: decay to the power of the layers above its own. The embeddings
/// are layer 0, block i is layer i + 1, the final norm and the head are the last, as in timm.
double depth_rate(const std::string& name, Index blocks, double decay);

/// Throws a UsageError when the model has fewer blocks than `config` names.
void check_depth(const models::Vit& model, const TrainConfig& config);

}  // namespace training
