#pragma once

#include "peft/method.h"

namespace peft {

/// GPS (Zhang et al., CVPR 2024, arXiv 2312.10136): of every neuron, a row of a weight matrix, the k input
/// connections with the largest accumulated gradient train, and every bias but the norms'.
class Gps : public SelectingMethod {
 public:
  Gps(Options shared, engine::Index k) : SelectingMethod(std::move(shared)), k_(k) {}

 protected:
  engine::Selection select(const engine::Tensor& gradient) const override;
  void check_targets(const std::vector<engine::NamedParameter>& targets) const override;

 private:
  engine::Index k_;
};

}  // namespace peft
