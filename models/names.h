#pragma once

#include "engine/nn/state.h"

namespace models {

/// A checkpoint's tensors under timm's names. Knows the names of timm, of Hugging Face's ViT (with and
/// without the "vit." prefix; queries, keys and values are joined to one matrix) and of torchvision's vit_*;
/// drops what no classifier reads (pooler, mask token). Names it does not know stay as they are, for
/// load_state to report.
engine::NamedTensors to_timm_names(const engine::NamedTensors& state);

/// The way back: tensors with timm's names under the names that `like`, a checkpoint, uses. Joined queries,
/// keys and values are cut apart; what `like` has beside the classifier's tensors is copied.
engine::NamedTensors to_names_of(const engine::NamedTensors& timm, const engine::NamedTensors& like);

}  // namespace models
