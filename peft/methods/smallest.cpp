#include <algorithm>
#include <cmath>

#include "peft/method_info.h"
#include "peft/selection/selecting.h"

namespace peft {
namespace {

class Smallest : public SelectingMethod {
 public:
  using SelectingMethod::SelectingMethod;

 protected:
  bool needs_gradient() const override { return false; }
  /// How far |w| is below the largest of its matrix; in f64, so that two magnitudes remain two.
  engine::Tensor importance(const engine::NamedParameter& target, const engine::Tensor&) override {
    engine::Tensor below = target.parameter.value().to(engine::Dtype::f64).clone();
    double largest = 0;
    for (const double w : below.data<double>()) largest = std::max(largest, std::abs(w));
    for (double& w : below.data<double>()) w = largest - std::abs(w);
    return below;
  }
};

}  // namespace

MethodInfo smallest() {
  return {"smallest", "smallest elements, rows or columns of every weight matrix",
          "The weights that do least train, as SaRA argues for, but without its norm: the opposite of "
          "`magnitude`. It needs no images.",
          joined({unit_options("neuron", "1", "0.01"), target_options("off")}),
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<Smallest>(read_targets(values, read_units(values)));
          }};
}

}  // namespace peft
