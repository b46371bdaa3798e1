#include "peft/methods/anchor.h"

#include <algorithm>

#include "peft/target.h"

namespace peft {

using engine::Index;
using engine::NamedParameter;
using engine::Tensor;

Anchor::Anchor(const Options& options, const std::vector<NamedParameter>& all) : weight_(options.weight) {
  const Index blocks = engine::count_blocks(all);
  const auto in_last_blocks = [&](const std::string& name) {
    const std::optional<Index> block = engine::block_of(name);
    return block && *block >= blocks - *options.last_blocks;
  };
  for (const NamedParameter& p : all) {
    const engine::Selection& part = p.parameter.trains();
    if (!part.any() || weight_ == 0) continue;
    const bool head = engine::in_head(p.name);
    if (head ? options.head == Head::none : options.last_blocks && !in_last_blocks(p.name)) continue;
    Tensor origin = part.gather(p.parameter.value());
    if (head && options.head == Head::zero) origin = Tensor::zeros(origin.shape(), origin.dtype());
    pulled_.push_back({p, origin});
  }
}

double Anchor::pull() const {
  double penalty = 0;
  for (const Pulled& pulled : pulled_) {
    const NamedParameter& p = pulled.p;
    if (!p.parameter.trains().any()) continue;  // frozen since
    const Tensor now = p.parameter.trains().gather(p.parameter.value());
    Tensor& gradient = p.parameter.writable_grad();
    engine::check(gradient.defined(), "anchor:", p.name, "has no gradient");
    engine::visit(now.dtype(), [&]<class T>() {
      const T *w = now.data<T>().data(), *w0 = pulled.origin.data<T>().data();
      T* g = gradient.data<T>().data();
      for (Index i = 0; i < now.numel(); ++i) {
        const double difference = static_cast<double>(w[i]) - static_cast<double>(w0[i]);
        penalty += weight_ * difference * difference;
        g[i] += static_cast<T>(2 * weight_ * difference);
      }
    });
  }
  return penalty;
}

std::vector<OptionInfo> anchor_options(const std::string& weight, const std::string& head) {
  const std::vector<OptionNeed> some_pull{{"anchor", {"0"}, "0 pulls nothing", true}};
  return {{"anchor", "X", weight, "weight of the L2 pull to the pre-trained values"},
          {"anchor-layers", "all|N", "all", "pull all that trains, or only the last N blocks", "", some_pull},
          {"anchor-head", "none|init|zero", head, "pull the head too: to its initial values or to zero", "",
           some_pull}};
}

Anchor::Options read_anchor(const OptionValues& values) {
  static const std::vector<std::string> kHeads{"none", "init", "zero"};
  Anchor::Options options;
  options.weight = values.non_negative("anchor");
  if (values.text("anchor-layers") != "all") options.last_blocks = values.integer("anchor-layers", 0);
  options.head = static_cast<Anchor::Head>(values.choice("anchor-head", kHeads));
  return options;
}

}  // namespace peft
