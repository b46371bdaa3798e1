#include "peft/selection/dense_gradients.h"

#include <utility>

#include "engine/autograd/backward.h"

namespace peft {

using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;

namespace {

/// Trains `targets` whole, and nothing else, for as long as it lives.
class WholeForNow {
 public:
  WholeForNow(engine::Module& model, const std::vector<NamedParameter>& targets)
      : all_(engine::parameters(model)) {
    for (const NamedParameter& p : all_) before_.push_back(p.parameter.exchange({Selection::none(), {}, 0}));
    for (const NamedParameter& p : targets) p.parameter.exchange({Selection::all(), {}, 0});
  }
  ~WholeForNow() {
    for (std::size_t i = 0; i < all_.size(); ++i) all_[i].parameter.exchange(std::move(before_[i]));
  }
  WholeForNow(const WholeForNow&) = delete;

 private:
  std::vector<NamedParameter> all_;
  std::vector<engine::Parameter::Training> before_;
};

}  // namespace

std::vector<Tensor> dense_gradients(engine::Module& model, const std::vector<NamedParameter>& targets,
                                    const std::function<Tensor()>& loss) {
  const WholeForNow guard(model, targets);
  engine::backward(loss());
  std::vector<Tensor> gradients;
  for (const NamedParameter& p : targets) {
    engine::check(p.parameter.grad().defined(), "scoring: the loss does not depend on", p.name);
    gradients.push_back(p.parameter.grad());
  }
  return gradients;
}

}  // namespace peft
