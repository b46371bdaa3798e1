#pragma once

#include <optional>

#include "engine/nn/layer.h"
#include "engine/ops/linear.h"
#include "engine/ops/packed_linear.h"

namespace engine {

/// y = x weight^T + bias. weight [out, in], bias [out] or absent.
class Linear : public Layer {
 public:
  enum class Bias { yes, no };
  /// Zeros: the values come from a checkpoint or an initialiser.
  Linear(Index in, Index out, Bias with_bias = Bias::yes);

  /// activate(this(x), activation), to the same bits. With an adapter, what the activation is applied to is
  /// held in any case.
  Tensor activated(const Tensor& x, Activation activation, Save before = Save::activation);

  /// Holds the weight as forward products read it from now on, and in that form alone: `weight` is empty
  /// afterwards. For inference; a layer with an adapter, which may read the weight, stays as it is.
  void pack_weight();

  Parameter weight;
  std::optional<Parameter> bias;

 protected:
  Tensor forward(const Tensor& x) override;
  Tensor forward_add_to(const Tensor& residual, const Tensor& x, const BranchScale& scale) override;
  void own_parts(Parts& visit) override;
  /// What is added to the product: the bias, [out], or nothing.
  virtual Tensor bias_value() const { return bias ? Tensor(*bias) : Tensor(); }

 private:
  std::optional<PackedWeight> packed_;
};

/// Packs the weights of all linear layers below `root`, one after the other, for a model that only infers
/// from now on. Its outputs keep their bits.
void pack_weights(Module& root);

}  // namespace engine
