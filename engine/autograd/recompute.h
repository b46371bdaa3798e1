#pragma once

#include <functional>

#include "engine/tensor/tensor.h"

namespace engine {

/// f(x), of whose graph nothing is kept but x: backward() runs `f` once more and goes through it then
/// (activation checkpointing, Chen et al. 2016). Parameters that `f` reads get their gradients as always. `f`
/// must give the same bits every time, and x feed nothing else; then all results and gradients have the bits
/// of a plain f(x).
Tensor recompute(const std::function<Tensor(const Tensor&)>& f, const Tensor& x);

}  // namespace engine
