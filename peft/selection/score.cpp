#include "peft/selection/score.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/autograd/backward.h"

namespace peft {

using engine::Index;
using engine::NamedParameter;
using engine::Tensor;

namespace {

void check_gradient(const NamedParameter& p) {
  engine::visit(p.parameter.grad().dtype(), [&]<class T>() {
    const auto g = p.parameter.grad().data<T>();
    const auto bad = std::ranges::find_if(g, [](T v) { return !std::isfinite(v); });
    engine::check(bad == g.end(), "scoring: the gradient of", p.name, "is not finite at index",
                  bad - g.begin());
  });
}

/// Puts `sum` + gradient^2 in place of the gradient.
void add_square(const NamedParameter& p, const Tensor& sum) {
  engine::check(p.parameter.grad().defined(), "scoring: the loss does not depend on", p.name);
  Tensor& gradient = p.parameter.writable_grad();
  engine::visit(gradient.dtype(), [&]<class T>() {
    T* g = gradient.data<T>().data();
    const T* before = sum.defined() ? sum.data<T>().data() : nullptr;
    for (Index i = 0; i < gradient.numel(); ++i) g[i] = (before ? before[i] : T{0}) + g[i] * g[i];
  });
}

}  // namespace

engine::Tensor NextLoss::again() const {
  engine::check(static_cast<bool>(again_), "scoring: the loss of a batch cannot be computed again");
  return again_();
}

void accumulate_gradients(engine::Module& model, const std::vector<NamedParameter>& targets,
                          const NextLoss& next_loss, Accumulate how,
                          const std::vector<engine::GradientForm>& forms, const AfterBatch& after) {
  for (const NamedParameter& p : engine::parameters(model)) p.parameter.freeze();
  for (std::size_t i = 0; i < targets.size(); ++i)
    targets[i].parameter.observe(forms.empty() ? engine::GradientForm() : forms[i]);
  Index batches = 0;
  bool enough = false;
  while (!enough) {
    const Tensor loss = next_loss();
    if (!loss.defined()) break;
    std::vector<Tensor> sums;  // set aside, so that the batch's own gradient can be squared
    if (how == Accumulate::squares) {
      for (const NamedParameter& p : targets) sums.push_back(std::exchange(p.parameter.grad(), {}));
    }
    engine::backward(loss);
    for (std::size_t i = 0; i < sums.size(); ++i) add_square(targets[i], sums[i]);
    ++batches;
    enough = next_loss.after_batch(batches, targets);
    if (after) enough = after(batches, targets) || enough;
  }
  const bool restored =
      std::ranges::any_of(targets, [](const NamedParameter& p) { return p.parameter.grad().defined(); });
  engine::check(batches > 0 || restored, "scoring: there is no batch to score with");
  for (const NamedParameter& p : targets) {
    engine::check(p.parameter.grad().defined(), "scoring: the loss does not depend on", p.name);
    check_gradient(p);
  }
  next_loss.done(targets);
}

}  // namespace peft
