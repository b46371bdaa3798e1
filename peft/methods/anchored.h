#pragma once

#include "peft/method.h"
#include "peft/methods/anchor.h"

namespace peft {

/// A method M with the pull to the pre-trained values added to its loss.
template <class M>
class Anchored : public M {
 public:
  template <class... Args>
  explicit Anchored(const Anchor::Options& options, Args&&... args)
      : M(std::forward<Args>(args)...), options_(options) {}

  void prepare(engine::Module& model, const NextLoss& next_loss) override {
    M::prepare(model, next_loss);
    anchor_.reset();
  }
  void restore(engine::Module& model, const PartsByName& trained,
               const engine::NamedTensors& state) override {
    M::restore(model, trained, state);
    anchor_.emplace(options_, engine::parameters(model));
  }
  double regularize(const std::vector<engine::NamedParameter>& all) override {
    // Before the first step: what trains is known by now, and nothing has moved.
    if (!anchor_) anchor_.emplace(options_, all);
    return M::regularize(all) + anchor_->pull();
  }

 private:
  Anchor::Options options_;
  std::optional<Anchor> anchor_;
};

}  // namespace peft
