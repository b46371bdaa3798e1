#include <cmath>

#include "peft/method_info.h"
#include "peft/selection/selecting.h"

namespace peft {
namespace {

class Fisher : public SelectingMethod {
 public:
  using SelectingMethod::SelectingMethod;
  ExtraMemory extra_memory() const override { return {.copies = 1}; }
  void keep_gradients() override {
    throw engine::Error("fisher sums up squares of gradients, so that there is no gradient to be kept");
  }

 protected:
  void score(engine::Module& model, const std::vector<engine::NamedParameter>& targets,
             const NextLoss& next_loss) override {
    accumulate_gradients(model, targets, next_loss, Accumulate::squares);
  }
  /// The root, whose squares a row or column adds up.
  engine::Tensor strength(const engine::NamedParameter&, const engine::Tensor& squares) override {
    engine::Tensor roots = squares.clone();
    engine::visit(roots.dtype(), [&]<class T>() {
      for (T& x : roots.data<T>()) x = std::sqrt(x);
    });
    return roots;
  }
};

}  // namespace

MethodInfo fisher() {
  return {
      "fisher", "the elements, rows or columns with the largest Fisher information",
      "The diagonal of the empirical Fisher information ranks: the sum over the batches of the squared gradient (FISH mask,\n"
      "Sung et al. 2021, arXiv 2111.09839). Unlike the squared sum of GPS and GRFT, gradients of opposite sign do not cancel.",
      joined({unit_options("neuron", "1", "0.01"), scoring_options("ce", "all", "off")}),
      [](const OptionValues& values) -> std::unique_ptr<Method> {
        return std::make_unique<Fisher>(read_scoring(values, read_units(values)));
      }};
}

}  // namespace peft
