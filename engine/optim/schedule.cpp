#include "engine/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace engine {

double Schedule::at(Index step) const {
  if (step < warmup) return lr * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const double after = static_cast<double>(std::max<Index>(1, steps - warmup));
  const double t = std::min(1.0, static_cast<double>(step - warmup) / after);
  switch (kind) {
    case Kind::constant:
      return lr;
    case Kind::linear:
      return min_lr + (lr - min_lr) * (1 - t);
    case Kind::cosine:
      return min_lr + (lr - min_lr) * (1 + std::cos(std::numbers::pi * t)) / 2;
  }
  return lr;
}

}  // namespace engine
