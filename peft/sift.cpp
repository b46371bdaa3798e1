#include "peft/sift.h"

#include <cmath>

#include "peft/select.h"

namespace peft {

engine::Selection Sift::select(const engine::Tensor& gradient) const {
  const auto share = std::floor(rate_ * static_cast<double>(gradient.numel()));
  return strongest_elements(gradient, static_cast<engine::Index>(share) + 1);
}

}  // namespace peft
