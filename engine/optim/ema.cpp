#include "engine/optim/ema.h"

#include <cstring>
#include <map>

namespace engine {

Ema::Ema(const std::vector<NamedParameter>& all, double decay) : decay_(decay) {
  check(decay >= 0 && decay < 1, "ema: the decay must be in [0, 1), not", decay);
  for (const NamedParameter& p : all) slots_.push_back(start(p));
}

Ema::Slot Ema::start(const NamedParameter& p) {
  return {p, p.parameter.version(), p.parameter.trains().gather(p.parameter.value())};
}

void Ema::follow_changes() {
  for (Slot& slot : slots_) {
    if (slot.version != slot.p.parameter.version()) slot = start(NamedParameter(slot.p));
  }
}

void Ema::update() {
  follow_changes();
  const float keep = static_cast<float>(decay_), take = static_cast<float>(1 - decay_);
  for (Slot& slot : slots_) {
    const Tensor now = slot.p.parameter.trains().gather(slot.p.parameter.value());
    const float* w = now.data<float>().data();
    for (float& average : slot.average.data<float>()) average = keep * average + take * *w++;
  }
}

void Ema::swap() {
  follow_changes();
  for (Slot& slot : slots_) {
    const Parameter& p = slot.p.parameter;
    Tensor now = p.trains().gather(p.value());
    p.trains().scatter(slot.average, p.value());
    slot.average = std::move(now);
  }
}

NamedTensors Ema::state() const {
  NamedTensors all;
  for (const Slot& slot : slots_) {
    if (slot.p.parameter.trains().any()) all.emplace_back(slot.p.name, slot.average);
  }
  return all;
}

void Ema::load_state(const NamedTensors& state) {
  const std::map<std::string, Tensor> given(state.begin(), state.end());
  for (Slot& slot : slots_) {
    if (!slot.p.parameter.trains().any()) continue;
    const auto found = given.find(slot.p.name);
    check(found != given.end() && found->second.shape() == slot.average.shape() &&
              found->second.dtype() == slot.average.dtype(),
          "ema: the saved state does not fit", slot.p.name, slot.average.shape());
    std::memcpy(slot.average.raw(), found->second.raw(), slot.average.bytes());
  }
}

}  // namespace engine
