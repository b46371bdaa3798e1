#pragma once

#include "peft/selection/selecting.h"

namespace peft {

/// Ranks by the weights themselves, the largest first.
class ByWeight : public SelectingMethod {
 public:
  using SelectingMethod::SelectingMethod;

 protected:
  bool needs_gradient() const override { return false; }
  engine::Tensor importance(const engine::NamedParameter& target, const engine::Tensor&) override {
    return target.parameter.value();
  }
};

}  // namespace peft
