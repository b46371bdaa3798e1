#pragma once

#include <optional>

#include "engine/nn/layer.h"

namespace engine {

/// Normalises the last axis, then scales and shifts it. weight and bias [width]; starts as weight 1, bias 0.
class Norm : public Layer {
 public:
  enum class Kind {
    layer,  ///< LayerNorm: by mean and variance
    rms     ///< RMSNorm: by the mean square; it has no bias
  };
  Norm(Index width, double eps, Kind kind = Kind::layer);

  Parameter weight;
  std::optional<Parameter> bias;

 protected:
  Tensor forward(const Tensor& x) override;
  void own_parts(Parts& visit) override;

 private:
  double eps_;
};

}  // namespace engine
