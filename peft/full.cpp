#include "peft/full.h"

#include "peft/by_name.h"

namespace peft {
namespace {

class Full : public ByName {
 protected:
  bool trains(const std::string&, engine::Index) const override { return true; }
};

}  // namespace

MethodInfo full() {
  return {"full",
          "every number trains",
          "Full fine-tuning. The delta is as large as the model.",
          {},
          [](const OptionValues&) -> std::unique_ptr<Method> { return std::make_unique<Full>(); }};
}

}  // namespace peft
