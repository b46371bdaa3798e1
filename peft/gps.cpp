#include "peft/gps.h"

#include <algorithm>

#include "peft/select.h"

namespace peft {

engine::Selection Gps::select(const engine::Tensor& gradient) const {
  return strongest_per_row(gradient, k_);
}

void Gps::check_targets(const std::vector<engine::NamedParameter>& targets) const {
  engine::Index most = 0;
  for (const auto& [name, parameter] : targets) most = std::max(most, parameter.value().shape().columns());
  engine::check(k_ <= most, "--k", k_, "is more than any neuron has inputs; the largest has", most);
}

}  // namespace peft
