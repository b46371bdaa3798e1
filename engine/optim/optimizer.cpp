#include "engine/optim/optimizer.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "engine/base/op_timer.h"
#include "engine/kernels/parallel.h"

namespace engine {
namespace {

constexpr Index kMostSteps = 1'000'000'000'000;  // that a saved state may have; they are counted on

}  // namespace

Optimizer::Optimizer(const std::vector<NamedParameter>& all) {
  for (const NamedParameter& p : all) slots_.push_back({.p = p, .version = 0, .steps = 0, .state = {}});
  check(std::ranges::any_of(all, [](const NamedParameter& p) { return p.parameter.trains().any(); }),
        "optimizer: no parameter trains");
}

void Optimizer::restart(Slot& slot) const {
  const Parameter& p = slot.p.parameter;
  slot.state.clear();
  for (std::size_t i = 0; i < state_names().size(); ++i) {
    slot.state.push_back(Tensor::zeros(p.trains().packed(p.value().shape()), p.value().dtype()));
  }
  slot.steps = 0;
  slot.version = p.version();
}

void Optimizer::step(double lr) {
  const auto frozen = [](const Slot& slot) { return !slot.p.parameter.trains().any(); };
  for (const Slot& slot : slots_) {
    check(frozen(slot) || slot.p.parameter.grad().defined(), "optimizer:", slot.p.name, "has no gradient");
  }
  for (Slot& slot : slots_) {
    if (frozen(slot)) {
      slot.state.clear(), slot.steps = 0;
      continue;
    }
    const Parameter& p = slot.p.parameter;
    if (slot.steps == 0 || slot.version != p.version()) restart(slot);
    ++slot.steps;
    const OpTimer timer([&] {  // every value is read and written, its gradient is read
      const Shape packed = p.trains().packed(p.value().shape());
      const std::size_t passes = 2 + 1 + 2 * slot.state.size();
      return OpWork{"optimizer", {packed.rows(), packed.columns()}, 0, passes * p.grad().bytes()};
    });
    Tensor w = p.trains().whole() ? p.value() : p.trains().gather(p.value());
    const auto all = [&](std::size_t i) {
      return i < slot.state.size() ? slot.state[i].data<float>() : std::span<float>();
    };
    const Values whole{w.data<float>(), p.grad().data<float>(), all(0), all(1)};
    kernels::parallel_chunks(w.numel(), kernels::kChunk, [&](Index begin, Index end) {
      const auto part = [&](auto values) {
        return values.empty()
                   ? values
                   : values.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
      };
      update({part(whole.w), part(whole.g), part(whole.first), part(whole.second)}, lr * slot.rate,
             slot.steps);
    });
    if (!p.trains().whole()) p.trains().scatter(w, p.value());
    p.grad() = {};
  }
}

void Optimizer::reselect(const Parameter& parameter, const Selection& part,
                         const std::function<InitialMoments(Index element)>& initial) {
  const auto slot = std::ranges::find_if(slots_, [&](const Slot& s) { return s.p.parameter == parameter; });
  check(slot != slots_.end(), "optimizer: it does not move this parameter");
  const std::vector<Index> before = parameter.trains().indices();
  const bool current = slot->steps > 0 && slot->version == parameter.version();
  const std::vector<Tensor> old = slot->state;
  const Index steps = slot->steps;
  parameter.train(part);
  if (!current) return;  // it starts afresh with the next step
  restart(*slot);
  slot->steps = steps;
  for (std::size_t kind = 0; kind < slot->state.size(); ++kind) {
    float* to = slot->state[kind].data<float>().data();
    for (const Index element : part.indices()) {
      const auto at = std::ranges::lower_bound(before, element);
      const bool kept = at != before.end() && *at == element;
      *to++ = kept ? old[kind].data<float>()[static_cast<std::size_t>(at - before.begin())]
                   : initial_state(kind, initial(element), steps);
    }
  }
}

void Optimizer::scale_rates(const std::function<double(const std::string&)>& factor) {
  for (Slot& slot : slots_) slot.rate = factor(slot.p.name);
}

NamedTensors Optimizer::state() const {
  NamedTensors all;
  for (const Slot& slot : slots_) {
    if (slot.steps == 0) continue;
    all.emplace_back(slot.p.name + ".steps", Tensor::of<std::int64_t>({1}, {slot.steps}));
    for (std::size_t i = 0; i < slot.state.size(); ++i) {
      all.emplace_back(slot.p.name + '.' + std::string(state_names()[i]), slot.state[i]);
    }
  }
  return all;
}

void Optimizer::load_state(const NamedTensors& state) {
  const std::map<std::string, Tensor> given(state.begin(), state.end());
  const auto find = [&](const std::string& name) {
    const auto found = given.find(name);
    check(found != given.end(), "optimizer: the saved state has no", name);
    return found->second;
  };
  for (Slot& slot : slots_) {
    if (!slot.p.parameter.trains().any()) continue;
    restart(slot);
    if (!given.contains(slot.p.name + ".steps")) continue;
    const Tensor steps = find(slot.p.name + ".steps");
    check(steps.numel() == 1 && steps.data<std::int64_t>()[0] > 0 &&
              steps.data<std::int64_t>()[0] <= kMostSteps,
          "optimizer: the saved", slot.p.name + ".steps", "must be one value, 1 to", kMostSteps);
    slot.steps = steps.data<std::int64_t>()[0];
    for (std::size_t i = 0; i < slot.state.size(); ++i) {
      const std::string name = slot.p.name + '.' + std::string(state_names()[i]);
      const Tensor saved = find(name);
      check(saved.shape() == slot.state[i].shape() && saved.dtype() == slot.state[i].dtype(),
            "optimizer: the saved", name, saved.shape(), "does not fit", slot.state[i].shape());
      std::memcpy(slot.state[i].raw(), saved.raw(), saved.bytes());
    }
  }
}

std::size_t Optimizer::bytes() const {
  std::size_t total = 0;
  for (const Slot& slot : slots_) {
    for (const Tensor& s : slot.state) total += s.bytes();
  }
  return total;
}

}  // namespace engine
