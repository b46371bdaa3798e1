#pragma once

#include "engine/nn/module.h"

namespace engine {

/// Scales all gradients so that their common length is at most `max_norm`, as PyTorch's clip_grad_norm_;
/// returns the length before. Frozen values have no gradient and do not count.
double clip_gradients(const std::vector<NamedParameter>& parameters, double max_norm);

}  // namespace engine
