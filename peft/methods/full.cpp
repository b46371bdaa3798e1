#include "peft/method_info.h"
#include "peft/methods/by_name.h"

namespace peft {

MethodInfo full() {
  return {"full",
          "all parameters train",
          "Full fine-tuning. The delta is as large as the model.",
          {},
          [](const OptionValues&) -> std::unique_ptr<Method> { return std::make_unique<Everything>(); }};
}

}  // namespace peft
