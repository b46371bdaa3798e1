#include "peft/method.h"

#include <algorithm>
#include <chrono>

#include "peft/select.h"
#include "peft/target.h"

namespace peft {

using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;

namespace {

/// Refuses to choose by ties alone, which is what a head of zeros leads to.
void check_some_gradient(const std::vector<NamedParameter>& targets, const Scoring& scoring) {
  const bool some = std::ranges::any_of(targets, [](const NamedParameter& p) {
    return engine::visit(p.parameter.grad().dtype(), [&]<class T>() {
      return std::ranges::any_of(p.parameter.grad().data<T>(), [](T g) { return g != T{0}; });
    });
  });
  engine::check(
      some, "scoring: every gradient is zero, so that there is nothing to choose by;",
      scoring.loss == Scoring::Loss::ce
          ? "a head of zeros hides the pictures from cross entropy: use --init-head trunc-normal or "
            "--score supcon"
          : "the contrastive loss needs pictures whose features differ: use --score ce, or another "
            "checkpoint");
}

}  // namespace

const std::vector<Choice>& Method::choices() const {
  static const std::vector<Choice> none;
  return none;
}

void Method::restore(engine::Module& model, const std::map<std::string, Selection>& trained) {
  for (const NamedParameter& p : engine::parameters(model)) {
    const auto found = trained.find(p.name);
    p.parameter.train(found == trained.end() ? Selection::none() : found->second);
  }
}

void train_head_only(engine::Module& model) {
  for (const NamedParameter& p : engine::parameters(model)) {
    p.parameter.train(in_head(p.name) ? Selection::all() : Selection::none());
  }
}

void SelectingMethod::check_model(engine::Module& model) const {
  check_targets(find_targets(model, options_.targets));
}

void SelectingMethod::prepare(engine::Module& model, const NextLoss& next_loss) {
  const std::vector<NamedParameter> all = engine::parameters(model),
                                    targets = find_targets(model, options_.targets);
  check_targets(targets);
  const auto start = std::chrono::steady_clock::now();
  if (next_loss) accumulate_gradients(model, targets, next_loss);
  if (next_loss) check_some_gradient(targets, options_.scoring);
  score_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::vector<Choice> choices;
  for (const NamedParameter& p : targets) {
    const Tensor gradient = next_loss ? p.parameter.grad() : Tensor::zeros(p.parameter.value().shape());
    Choice choice{.parameter = p.name, .selection = select(gradient), .scores = {}, .gradient = {}};
    choice.scores = scores_of(gradient, choice.selection);
    choice.squares = squares_of(gradient);
    choice.energy = energy_of(gradient, choice.selection);
    if (keep_gradients_) choice.gradient = gradient;
    p.parameter.freeze();  // lets the dense gradient go
    choices.push_back(std::move(choice));
  }
  choices_ = std::move(choices);

  train_head_only(model);
  for (const NamedParameter& p : all) {
    if (options_.train_bias && !in_head(p.name) && is_linear_bias(p.name, all))
      p.parameter.train(Selection::all());
  }
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i].parameter.train(choices_[i].selection);
}

}  // namespace peft
