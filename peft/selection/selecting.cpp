#include "peft/selection/selecting.h"

#include <algorithm>
#include <chrono>

#include "peft/selection/candidates.h"
#include "peft/selection/select.h"
#include "peft/selection/settle.h"
#include "peft/selection/sketch.h"
#include "peft/target.h"

namespace peft {

using engine::NamedParameter;
using engine::Selection;
using engine::Tensor;

void check_some_gradient(const std::vector<NamedParameter>& targets, const Scoring& scoring) {
  const bool some = std::ranges::any_of(targets, [](const NamedParameter& p) {
    return engine::visit(p.parameter.grad().dtype(), [&]<class T>() {
      return std::ranges::any_of(p.parameter.grad().data<T>(), [](T g) { return g != T{0}; });
    });
  });
  engine::check(some, "scoring: every gradient is zero, so that there is nothing to choose by;",
                scoring.loss == Scoring::Loss::ce
                    ? "a head of zeros hides the images from cross entropy: use --init-head trunc-normal or "
                      "--score supcon"
                    : "the contrastive loss needs images whose features differ: use --score ce, or another "
                      "checkpoint");
}

void SelectingMethod::check_model(engine::Module& model) const {
  options_.units.check_fits(find_targets(model, options_.targets));
}

void SelectingMethod::score(engine::Module& model, const std::vector<NamedParameter>& targets,
                            const NextLoss& next_loss) {
  std::vector<Selection> forms;
  for (const NamedParameter& p : targets) forms.push_back(scored_form(p));
  accumulate_gradients(model, targets, next_loss, Accumulate::sums, forms);
}

Selection SelectingMethod::scored_form(const NamedParameter& target) const {
  const Options& o = options_;
  if (o.sketch > 0) return sketch_of(target, o.units, o.sketch, o.seed);
  if (o.candidates == 0) return Selection::all();
  Units many = o.units;
  many.times = o.candidates;
  return Selection::folded(std::make_shared<Candidates>(many));
}

void SelectingMethod::keep_gradients() {
  engine::check(options_.sketch == 0 && options_.candidates == 0,
                options_.sketch > 0 ? "--score-sketch" : "--score-candidates",
                "sums up no whole gradient, so that there is none to be kept");
  keep_gradients_ = true;
}

Tensor SelectingMethod::strength(const NamedParameter&, const Tensor& gradient) {
  return gradient;
}

Tensor SelectingMethod::gradient_of(const NamedParameter& target, bool scored) const {
  const engine::Shape& full = target.parameter.value().shape();
  if (!scored) return needs_gradient() ? Tensor::zeros(full) : Tensor();
  const Candidates* const some = candidates_of(target.parameter);
  return some ? some->spread(target.parameter.grad(), full) : target.parameter.grad();
}

Choice SelectingMethod::choose(const NamedParameter& target, bool scored) {
  const engine::Shape& full = target.parameter.value().shape();
  const Tensor gradient = gradient_of(target, scored);
  const bool ranked = scored || !needs_gradient();
  const Tensor ranking = ranked ? strength(target, gradient) : gradient;
  const Selection chosen = options_.units.of(full).strongest(ranking);
  Choice choice{.parameter = target.name,
                .selection = chosen,
                .scores = scores_of(ranking, chosen),
                .squares = squares_of(ranking),
                .gradient = {}};
  if (const Candidates* const some = candidates_of(target.parameter); scored && some)
    choice.squares = some->squares(target.parameter.grad(), full);
  if (choice.squares > 0) choice.energy = squares_of(chosen.gather(ranking)) / choice.squares;
  if (const auto share = shares_.find(target.name); scored && share != shares_.end()) {  // of candidates
    choice.selection = target.parameter.trains().part_of(chosen);
    if (share->second > 0) choice.squares /= share->second;
    choice.energy *= share->second;
  }
  if (keep_gradients_) choice.gradient = gradient;
  return choice;
}

NextLoss SelectingMethod::losses(const std::vector<NamedParameter>& targets, const NextLoss& next_loss) {
  if (options_.sketch > 0 && !options_.scoring.until_settled)
    return look_closer(next_loss, targets, options_.units, options_.sketch, shares_);
  if (!options_.scoring.until_settled) return next_loss;
  return until_settled(
      next_loss, targets, options_.units,
      [this](const NamedParameter& p) { return strength(p, p.parameter.grad()); }, looks_);
}

void SelectingMethod::prepare(engine::Module& model, const NextLoss& next_loss) {
  const std::vector<NamedParameter> all = engine::parameters(model),
                                    targets = find_targets(model, options_.targets);
  options_.units.check_fits(targets);
  looks_.clear();
  const bool scored = needs_gradient() && next_loss;
  const auto start = std::chrono::steady_clock::now();
  if (scored) score(model, targets, losses(targets, next_loss));
  if (scored) check_some_gradient(targets, options_.scoring);
  score_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::vector<Choice> choices;
  for (const NamedParameter& p : targets) {
    choices.push_back(choose(p, scored));
    p.parameter.freeze();  // lets the dense gradient go
  }
  choices_ = std::move(choices);

  train_head_only(model);
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i].parameter.train(choices_[i].selection);
  for (const NamedParameter& p : all) {  // whole, a target or not
    if (options_.train_bias && !in_head(p.name) && is_linear_bias(p.name, all))
      p.parameter.train(Selection::all());
  }
}

std::vector<OptionInfo> target_options(const std::string& train_bias) {
  return {{"targets", "GLOB,...", "", "parameters to choose from", "every weight matrix but the head's"},
          {"train-bias", "", train_bias, "train every bias but the norms' too"}};
}

std::vector<OptionInfo> scoring_options(const std::string& loss, const std::string& batches,
                                        const std::string& train_bias) {
  return joined(
      {{{"score", "supcon|ce", loss, "the loss whose gradients are the scores"},
        {"temperature", "X", "0.07", "of the supervised contrastive loss"},
        {"score-batches", "all|N|auto", batches,
         "batches to score with: one epoch, the first N, or until the choice settles"},
        {"score-augment", "none|simclr", "simclr", "how the two views of the contrastive loss are made"},
        {"score-image-size", "N", "0", "side of the images to score with (0: as they are trained on)"},
        {"score-classes", "N", "0", "score with the first N classes alone (0: with all)"}},
       target_options(train_bias)});
}

SelectingMethod::Options read_targets(const OptionValues& values, const Units& units) {
  SelectingMethod::Options options;
  options.targets = values.list("targets");
  options.train_bias = values.on("train-bias");
  options.units = units;
  return options;
}

SelectingMethod::Options read_element_scoring(const OptionValues& values, const Units& units) {
  SelectingMethod::Options options = read_scoring(values, units);
  constexpr engine::Index kMost = 1'000'000;  // more than any neuron has inputs, or a share that is the whole
  options.candidates = std::min(values.integer("score-candidates", 0), kMost);
  options.scoring.in_stages = options.candidates > 0;
  engine::check(options.candidates == 0 || !options.scoring.until_settled,
                "--score-candidates cannot go with --score-batches auto, which looks at whole gradients");
  return options;
}

SelectingMethod::Options read_scoring(const OptionValues& values, const Units& units) {
  static const std::vector<std::string> kLosses{"supcon", "ce"}, kViews{"none", "simclr"};
  SelectingMethod::Options options = read_targets(values, units);
  options.scoring.loss = values.choice("score", kLosses) == 0 ? Scoring::Loss::supcon : Scoring::Loss::ce;
  options.scoring.temperature = values.positive("temperature");
  const std::string& batches = values.text("score-batches");
  options.scoring.until_settled = batches == "auto";
  options.scoring.batches = batches == "all" || batches == "auto" ? 0 : values.integer("score-batches", 1);
  options.scoring.image_size = values.integer("score-image-size", 0);
  options.scoring.classes = values.integer("score-classes", 0);
  options.scoring.augment = values.choice("score-augment", kViews) == 1;
  return options;
}

}  // namespace peft
