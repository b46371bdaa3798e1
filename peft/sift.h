#pragma once

#include "peft/method.h"

namespace peft {

/// SIFT (Song et al., ICML 2024, arXiv 2312.11875): of every tensor the min(floor(rate n) + 1, n) elements of
/// largest gradient in the first batch train. Each step moves the chosen numbers at once, as the paper means
/// it; the official code moves them one step late.
class Sift : public SelectingMethod {
 public:
  Sift(Options shared, double rate) : SelectingMethod(std::move(shared)), rate_(rate) {}

 protected:
  engine::Selection select(const engine::Tensor& gradient) const override;

 private:
  double rate_;
};

}  // namespace peft
