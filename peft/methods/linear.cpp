#include "peft/method_info.h"
#include "peft/methods/by_name.h"

namespace peft {
namespace {

class Linear : public ByName {
 public:
  MethodTraits traits() const override { return {.trains_head_only = true}; }

 protected:
  bool trains(const std::string&, engine::Index) const override { return false; }
};

}  // namespace

MethodInfo linear() {
  return {"linear",
          "only the head trains",
          "Linear probe: a linear classifier on the features of the frozen backbone.",
          {},
          [](const OptionValues&) -> std::unique_ptr<Method> { return std::make_unique<Linear>(); }};
}

}  // namespace peft
