#include <array>
#include <cmath>

#include "engine/optim/optimizer.h"

namespace engine {
namespace {

class Adam : public Optimizer {
 public:
  Adam(const std::vector<NamedParameter>& all, const AdamOptions& options)
      : Optimizer(all), options_(options) {
    check(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1,
          "adam: betas must be in [0, 1), not", options.beta1, "and", options.beta2);
    check(options.weight_decay >= 0, "adam: weight decay must be 0 or more, not", options.weight_decay);
  }

 protected:
  std::span<const std::string_view> state_names() const override {
    static constexpr std::array<std::string_view, 2> names{"mean", "square"};
    return names;
  }

  void update(const Values& n, double lr, Index steps) const override {
    const double t = static_cast<double>(steps);
    const float beta1 = static_cast<float>(options_.beta1), beta2 = static_cast<float>(options_.beta2);
    // The differences in double: 1 - 0.999f is off by 5e-5 of itself.
    const float take1 = static_cast<float>(1 - options_.beta1),
                take2 = static_cast<float>(1 - options_.beta2);
    const float rate = static_cast<float>(lr / (1 - std::pow(options_.beta1, t)));
    const float unbias = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t)));
    const float coupled = static_cast<float>(options_.decoupled ? 0 : options_.weight_decay);
    const float shrink = static_cast<float>(options_.decoupled ? 1 - lr * options_.weight_decay : 1);
    const float eps = static_cast<float>(options_.eps);
    for (std::size_t i = 0; i < n.w.size(); ++i) {
      const float g = n.g[i] + coupled * n.w[i];
      n.first[i] = beta1 * n.first[i] + take1 * g;
      n.second[i] = beta2 * n.second[i] + take2 * g * g;
      n.w[i] = shrink * n.w[i] - rate * n.first[i] / (std::sqrt(n.second[i]) * unbias + eps);
    }
  }

  float initial_state(std::size_t kind, InitialMoments initial, Index steps) const override {
    const double beta = kind == 0 ? options_.beta1 : options_.beta2;
    const double weight = 1 - std::pow(beta, static_cast<double>(steps));
    return static_cast<float>(weight * (kind == 0 ? initial.mean : initial.square));
  }

 private:
  AdamOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(const std::vector<NamedParameter>& all, const AdamOptions& options) {
  return std::make_unique<Adam>(all, options);
}

}  // namespace engine
