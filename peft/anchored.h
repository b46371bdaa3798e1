#pragma once

#include "peft/anchor.h"
#include "peft/method.h"

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
    anchor_.emplace(options_, engine::parameters(model));
  }
  void restore(engine::Module& model, const PartsByName& trained, const engine::State& state) override {
    M::restore(model, trained, state);
    anchor_.emplace(options_, engine::parameters(model));
  }
  double regularize(const std::vector<engine::NamedParameter>& all) override {
    return M::regularize(all) + (anchor_ ? anchor_->pull() : 0);
  }

 private:
  Anchor::Options options_;
  std::optional<Anchor> anchor_;
};

}  // namespace peft
