#pragma once

#include <ostream>
#include <string>
#include <variant>

#include "engine/optim/optimizer.h"

namespace engine {

/// An optimizer under the name that tests/golden/make_optimizers.py gives it.
struct NamedOptimizer {
  std::string name;
  double lr;
  std::variant<SgdOptions, AdamOptions> options;

  std::unique_ptr<Optimizer> make(const std::vector<NamedParameter>& all) const {
    if (const auto* sgd = std::get_if<SgdOptions>(&options)) return make_sgd(all, *sgd);
    return make_adam(all, std::get<AdamOptions>(options));
  }
  double weight_decay() const {
    return std::visit([](const auto& some) { return some.weight_decay; }, options);
  }
};

/// The name of an optimizer where a test of it fails.
inline void PrintTo(const NamedOptimizer& optimizer, std::ostream* out) {
  *out << optimizer.name;
}

inline std::vector<NamedOptimizer> all_optimizers() {
  return {
      {"sgd", 0.1, SgdOptions{}},
      {"sgd_momentum", 0.1, SgdOptions{.momentum = 0.9}},
      {"sgd_wd", 0.1, SgdOptions{.weight_decay = 0.01}},
      {"sgd_momentum_wd", 0.1, SgdOptions{.momentum = 0.9, .weight_decay = 0.01}},
      {"adam", 0.01, AdamOptions{}},
      {"adam_wd", 0.01, AdamOptions{.weight_decay = 0.01}},
      {"adamw", 0.01, AdamOptions{.weight_decay = 0.05, .decoupled = true}},
  };
}

}  // namespace engine
