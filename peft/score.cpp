#include "peft/score.h"

#include <algorithm>
#include <cmath>

#include "engine/autograd/backward.h"

namespace peft {

using engine::Index;
using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;

namespace {

void check_finite(const NamedParameter& p) {
  engine::visit(p.parameter.grad().dtype(), [&]<class T>() {
    const auto g = p.parameter.grad().data<T>();
    const auto bad = std::ranges::find_if(g, [](T v) { return !std::isfinite(v); });
    engine::check(bad == g.end(), "scoring: the gradient of", p.name, "is not finite at number",
                  bad - g.begin());
  });
}

}  // namespace

void accumulate_gradients(engine::Module& model, const std::vector<NamedParameter>& targets,
                          const NextLoss& next_loss) {
  for (const NamedParameter& p : engine::parameters(model)) p.parameter.freeze();
  for (const NamedParameter& p : targets) p.parameter.train(Selection::all());
  Index batches = 0;
  for (Tensor loss = next_loss(); !loss.empty(); loss = next_loss()) {
    engine::backward(loss);
    ++batches;
  }
  engine::check(batches > 0, "scoring: there is no batch to score with");
  for (const NamedParameter& p : targets) {
    engine::check(!p.parameter.grad().empty(), "scoring: the loss does not depend on", p.name);
    check_finite(p);
  }
}

}  // namespace peft
