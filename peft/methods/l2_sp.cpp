#include "peft/method_info.h"
#include "peft/methods/anchored.h"
#include "peft/methods/by_name.h"

namespace peft {

MethodInfo l2_sp() {
  return {"l2-sp", "all parameters, pulled to their pre-trained values, the head to zero",
          "L2-SP (Li et al. 2018, arXiv 1802.01483). Full fine-tuning with anchor * sum (w - w0)^2 added to "
          "the loss. The new head has no pre-trained value and is pulled to zero.",
          anchor_options("0.01", "zero"), [](const OptionValues& values) -> std::unique_ptr<Method> {
            return std::make_unique<Anchored<Everything>>(read_anchor(values));
          }};
}

}  // namespace peft
