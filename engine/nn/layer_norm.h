#pragma once

#include "engine/nn/layer.h"

namespace engine {

/// Normalises the last axis, then scales and shifts it. weight and bias [width]; starts as weight 1, bias 0.
class LayerNorm : public Layer {
 public:
  LayerNorm(Index width, double eps);

  Parameter weight, bias;

 protected:
  Tensor forward(const Tensor& x) override;
  void own_parts(Parts& visit) override;

 private:
  double eps_;
};

}  // namespace engine
