#pragma once

#include "engine/base/check.h"

namespace engine::kernels {

/// What a value goes through between two layers.
enum class Activation {
  none,
  gelu,        ///< x Phi(x), with the normal distribution's Phi: the exact GELU (Hendrycks and Gimpel 2016)
  gelu_tanh,   ///< the same with Phi(x) taken as (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
  quick_gelu,  ///< the same with Phi(x) taken as sigmoid(1.702 x)
  silu         ///< x sigmoid(x) (Elfwing et al. 2018)
};

/// All but none and gelu are x sigmoid(linear x + cubic x^3): tanh(u) is 2 sigmoid(2 u) - 1.
struct Gate {
  double linear, cubic;
};
// Of each file its own: files that are compiled for different machines share no function.
static constexpr Gate gate_of(Activation activation) {
  constexpr double kTwoRootTwoOverPi = 1.5957691216057308;  // 2 sqrt(2 / pi)
  if (activation == Activation::gelu_tanh) return {kTwoRootTwoOverPi, kTwoRootTwoOverPi * 0.044715};
  return {activation == Activation::quick_gelu ? 1.702 : 1.0, 0};
}

}  // namespace engine::kernels
