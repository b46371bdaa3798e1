#include "peft/method_info.h"
#include "peft/methods/by_weight.h"

namespace peft {

MethodInfo magnitude() {
  return {
      "magnitude", "the largest elements, rows or columns of every weight matrix",
      "The largest weights train, or the rows or columns with the largest sum of squared weights. It looks at no image: the\n"
      "same selection for every task.",
      joined({unit_options("neuron", "1", "0.01"), target_options("off")}),
      [](const OptionValues& values) -> std::unique_ptr<Method> {
        return std::make_unique<ByWeight>(read_targets(values, read_units(values)));
      }};
}

}  // namespace peft
