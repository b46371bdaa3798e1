#include "peft/method_info.h"
#include "peft/methods/by_name.h"
#include "peft/target.h"

namespace peft {
namespace {

class LayerNorms : public ByName {
 protected:
  bool trains(const std::string& name, engine::Index) const override { return engine::in_norm(name); }
};

}  // namespace

MethodInfo ln() {
  return {"ln",
          "scale and shift of every norm, and the head",
          "LayerNorm tuning. The scale and the shift of every norm train, in the blocks and around them, and "
          "the head. An RMSNorm has a scale alone.",
          {},
          [](const OptionValues&) -> std::unique_ptr<Method> { return std::make_unique<LayerNorms>(); }};
}

}  // namespace peft
