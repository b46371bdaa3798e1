#include "peft/method_info.h"
#include "peft/methods/vtab_recipe.h"
#include "peft/selection/candidates.h"
#include "peft/selection/selecting.h"

namespace peft {

MethodInfo gps() {
  return {"gps",
          "top k inputs of every neuron, and the biases",
          "GPS (Zhang et al. 2024, arXiv 2312.10136). One pass over the training images accumulates the "
          "gradient of every weight matrix. In every row (neuron) the k elements of largest magnitude "
          "train, together with the head and all biases except those of norms.",
          joined({k_option("1", "inputs of every neuron"), scoring_options("supcon", "all", "on"),
                  candidates_option()}),
          [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<SelectingMethod>(
                read_element_scoring(values, read_k(values, Units::Kind::neuron)));
          },
          vtab_recipe()};
}

}  // namespace peft
