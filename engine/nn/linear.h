#pragma once

#include <optional>

#include "engine/nn/layer.h"
#include "engine/ops/linear.h"

namespace engine {

/// y = x weight^T + bias. weight [out, in], bias [out] or absent.
class Linear : public Layer {
 public:
  enum class Bias { yes, no };
  /// Zeros: the values come from a checkpoint or an initialiser.
  Linear(Index in, Index out, Bias with_bias = Bias::yes);

  /// gelu(this(x)), to the same bits. With an adapter, what GELU is applied to is held in any case.
  Tensor with_gelu(const Tensor& x, Save before = Save::activation);

  Parameter weight;
  std::optional<Parameter> bias;

 protected:
  Tensor forward(const Tensor& x) override;
  Tensor forward_add_to(const Tensor& residual, const Tensor& x, const Tensor& factors) override;
  void own_parts(Parts& visit) override;
};

}  // namespace engine
