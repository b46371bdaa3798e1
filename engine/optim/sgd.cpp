#include <array>

#include "engine/optim/optimizer.h"

namespace engine {
namespace {

class Sgd : public Optimizer {
 public:
  Sgd(const std::vector<NamedParameter>& all, const SgdOptions& options) : Optimizer(all), options_(options) {
    check(options.momentum >= 0 && options.momentum < 1, "sgd: momentum must be in [0, 1), not",
          options.momentum);
    check(options.weight_decay >= 0, "sgd: weight decay must be 0 or more, not", options.weight_decay);
  }

 protected:
  std::span<const std::string_view> state_names() const override {
    static constexpr std::array<std::string_view, 1> names{"momentum"};
    return options_.momentum > 0 ? std::span<const std::string_view>(names)
                                 : std::span<const std::string_view>();
  }

  void update(const Values& n, double lr, Index) const override {
    const float momentum = static_cast<float>(options_.momentum),
                decay = static_cast<float>(options_.weight_decay);
    const float rate = static_cast<float>(lr);
    for (std::size_t i = 0; i < n.w.size(); ++i) {
      float v = n.g[i] + decay * n.w[i];
      if (!n.first.empty()) v = n.first[i] = momentum * n.first[i] + v;
      n.w[i] -= rate * v;
    }
  }

 private:
  SgdOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const std::vector<NamedParameter>& all, const SgdOptions& options) {
  return std::make_unique<Sgd>(all, options);
}

}  // namespace engine
