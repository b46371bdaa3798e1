#include "engine/optim/clip.h"

#include <cmath>

#include "engine/kernels/reduce.h"

namespace engine {

double clip_gradients(const std::vector<NamedParameter>& parameters, double max_norm) {
  double squares = 0;
  for (const auto& [name, p] : parameters) {
    if (!p.grad().defined()) continue;
    const float* g = p.grad().data<float>().data();
    squares += kernels::sum(p.grad().numel(), [g](Index i) { return static_cast<double>(g[i]) * g[i]; });
  }
  const double norm = std::sqrt(squares), factor = max_norm / (norm + 1e-6);
  if (factor < 1) {
    for (const auto& [name, p] : parameters) {
      if (!p.grad().defined()) continue;
      for (float& g : p.writable_grad().data<float>()) g *= static_cast<float>(factor);
    }
  }
  return norm;
}

}  // namespace engine
