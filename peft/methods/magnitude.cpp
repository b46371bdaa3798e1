#include "peft/method_info.h"
#include "peft/methods/by_weight.h"

namespace peft {

MethodInfo magnitude() {
  return {"magnitude", "largest elements, rows or columns of every weight matrix",
          "The weights of largest magnitude train, or the rows or columns with the largest sum of squared "
          "weights. It needs no images: the selection is the same for every task.",
          joined({unit_options("neuron", "1", "0.01"), target_options("off")}),
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<ByWeight>(read_targets(values, read_units(values)));
          }};
}

}  // namespace peft
