#include "peft/method_info.h"
#include "peft/methods/by_weight.h"

namespace peft {

MethodInfo neuroada() {
  return {"neuroada", "the k largest weights of every neuron",
          "NeuroAda (Zhang et al. 2025). In every row (neuron) of every weight matrix the k elements of "
          "largest magnitude train, as an added increment; biases do not. It needs no images.",
          joined({k_option("1", "inputs of every neuron"), target_options("off")}),
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<ByWeight>(read_targets(values, read_k(values, Units::Kind::neuron)));
          }};
}

}  // namespace peft
