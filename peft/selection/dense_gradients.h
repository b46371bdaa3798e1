#pragma once

#include <functional>
#include <vector>

#include "engine/nn/module.h"

namespace peft {

/// The gradients of one loss for whole `targets`, in their order, during training: what trains, the
/// gradients so far and the optimizer's view of both stay as they are.
std::vector<engine::Tensor> dense_gradients(engine::Module& model,
                                            const std::vector<engine::NamedParameter>& targets,
                                            const std::function<engine::Tensor()>& loss);

}  // namespace peft
