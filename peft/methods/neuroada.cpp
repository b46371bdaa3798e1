#include "peft/method_info.h"
#include "peft/methods/by_weight.h"

namespace peft {

MethodInfo neuroada() {
  return {
      "neuroada", "the k largest weights of every neuron",
      "NeuroAda (Zhang et al. 2025). Of every row (neuron) of every weight matrix the k elements of largest magnitude train,\n"
      "as an added increment; no bias does. It looks at no image.",
      joined({k_option("1", "inputs of every neuron"), target_options("off")}),
      [](const OptionValues& values) -> std::unique_ptr<Method> {
        return std::make_unique<ByWeight>(read_targets(values, read_k(values, Units::Kind::neuron)));
      }};
}

}  // namespace peft
