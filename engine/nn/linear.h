#pragma once

#include <optional>

#include "engine/nn/layer.h"

namespace engine {

/// y = x weight^T + bias. weight [out, in], bias [out] or absent.
class Linear : public Layer {
 public:
  enum class Bias { yes, no };
  /// Zeros: the values come from a checkpoint or an initialiser.
  Linear(Index in, Index out, Bias with_bias = Bias::yes);

  Parameter weight;
  std::optional<Parameter> bias;

 protected:
  Tensor forward(const Tensor& x) override;
  void own_parts(Parts& visit) override;
};

}  // namespace engine
