#pragma once

#include "engine/nn/linear.h"
#include "engine/nn/norm.h"
#include "models/vit_config.h"

namespace models {

/// The two-layer network of a transformer block, of one of the forms of MlpForm. x [..., width].
class Mlp : public engine::Layer {
 public:
  explicit Mlp(const VitConfig& config);

  /// What of fc1(x) is held for the backward pass from now on; a gated form always holds it.
  void save_hidden(engine::Save save) { save_ = save; }

 protected:
  engine::Tensor forward(const engine::Tensor& x) override;
  engine::Tensor forward_add_to(const engine::Tensor& residual, const engine::Tensor& x,
                                const engine::BranchScale& scale) override;
  void own_parts(engine::Parts& visit) override;

 private:
  /// What fc2 reads.
  engine::Tensor hidden(const engine::Tensor& x);

  MlpForm form_;
  engine::Activation activation_;
  std::optional<engine::Linear> fc1_, fc1_g_, fc1_x_;
  std::optional<engine::Norm> norm_;
  engine::Linear fc2_;
  engine::Save save_ = engine::Save::activation;
};

}  // namespace models
