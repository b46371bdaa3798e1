#include <cmath>

#include "peft/method_info.h"
#include "peft/selection/selecting.h"

namespace peft {
namespace {

class Fisher : public SelectingMethod {
 public:
  using SelectingMethod::SelectingMethod;
  MethodTraits traits() const override { return {.chooses = true, .weight_copies = 1}; }

 protected:
  /// The root, whose squares a row or column adds up.
  engine::Tensor importance(const engine::NamedParameter&, const engine::Tensor& squares) override {
    engine::Tensor roots = squares.clone();
    engine::visit(roots.dtype(), [&]<class T>() {
      for (T& x : roots.data<T>()) x = std::sqrt(x);
    });
    return roots;
  }
};

}  // namespace

MethodInfo fisher() {
  return {"fisher", "elements, rows or columns with the largest Fisher information",
          "The diagonal of the empirical Fisher information ranks: the squared gradients summed over the "
          "batches (FISH mask, Sung et al. 2021, arXiv 2111.09839). Unlike in the accumulated gradients of "
          "GPS and GRFT, opposite signs do not cancel.",
          joined({unit_options("neuron", "1", "0.01"), scoring_options("ce", "all", "off")}),
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            SelectingMethod::Options options = read_scoring(values, read_units(values));
            options.scoring.accumulate = Accumulate::squares;
            options.scoring.no_whole_gradient = "fisher accumulates squared gradients";
            return std::make_unique<Fisher>(std::move(options));
          }};
}

}  // namespace peft
