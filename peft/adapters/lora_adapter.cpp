#include "peft/adapters/lora_adapter.h"

#include "engine/ops/arithmetic.h"

namespace peft {

engine::Tensor LoraAdapter::operator()(const engine::Tensor& x, const engine::Base& layer) {
  return engine::add(layer(x), increment_(x));
}

bool LoraAdapter::merge_into(engine::Adaptable& host) {
  const auto weight = own_parameter(host, "weight");
  if (weight) weight->value() = increment_.added_to(weight->value());
  return weight.has_value();
}

void LoraAdapter::parts(engine::Parts& visit) {
  visit("a", increment_.a);
  visit("b", increment_.b);
}

}  // namespace peft
