#include "peft/selection/selecting.h"

#include <algorithm>
#include <chrono>

#include "peft/selection/candidates.h"
#include "peft/selection/select.h"
#include "peft/selection/sketch.h"
#include "peft/selection/stability.h"
#include "peft/target.h"

namespace peft {

using engine::Index;
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

SelectingMethod::SelectingMethod(Options options) : options_(std::move(options)) {
  Scoring& scoring = options_.scoring;
  if (options_.sketch > 0) {
    scoring.form = [units = options_.units, width = options_.sketch, seed = options_.seed](
                       const NamedParameter& p) { return sketch_of(p, units, width, seed); };
    scoring.resumes = false;  // what is accumulated changes on the way
    scoring.more_than_sums = "--score-sketch narrows what is scored on the way";
    scoring.no_whole_gradient = "--score-sketch accumulates no whole gradient";
  } else if (options_.candidates > 0) {
    Units many = options_.units;
    many.times = options_.candidates;
    scoring.form = [many](const NamedParameter&) {
      return engine::GradientForm::reduced(std::make_shared<Candidates>(many));
    };
    scoring.resumes = false;  // which elements are candidates depends on sums that are gone
    scoring.more_than_sums = "--score-candidates keeps some sums only, and the places of these";
    scoring.no_whole_gradient = "--score-candidates accumulates no whole gradient";
  }
  if (scoring.until_stable) scoring.resumes = false;  // it depends on earlier choices
}

std::vector<NamedParameter> SelectingMethod::pool(engine::Module& model) const {
  return find_targets(model, options_.targets, layers_);
}

void SelectingMethod::check_model(engine::Module& model) const {
  options_.units.check_fits(pool(model));
}

void SelectingMethod::score(engine::Module& model, const std::vector<NamedParameter>& targets,
                            const NextLoss& next_loss) {
  const Scoring& scoring = options_.scoring;
  std::vector<engine::GradientForm> forms;
  for (const NamedParameter& p : targets) forms.push_back(scoring.form_of(p));
  StabilityCheck stability(options_.units,
                           [this](const NamedParameter& p) { return importance(p, p.parameter.grad()); });
  const Index narrowed = options_.sketch > 0 ? rescored_after(next_loss.batches()) : 0;
  const auto after = [&](Index batches, const std::vector<NamedParameter>&) {
    if (scoring.until_stable) return stability.after_batch(batches, targets);
    if (batches == narrowed) shares_ = rescore_finalists(targets, options_.units, options_.sketch);
    return false;
  };
  shares_.clear();
  accumulate_gradients(model, targets, next_loss, scoring.accumulate, forms, after);
  if (scoring.until_stable) selected_.snapshots = stability.snapshots(targets);
  after_scoring(targets, next_loss);
}

Tensor SelectingMethod::importance(const NamedParameter&, const Tensor& gradient) {
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
  const bool known = scored || !needs_gradient();
  const Tensor ranked = known ? importance(target, gradient) : gradient;
  const Selection chosen = options_.units.of(full).top(ranked);
  Choice choice{.parameter = target.name,
                .selection = chosen,
                .scores = scores_of(ranked, chosen),
                .squares = squares_of(ranked),
                .gradient = {}};
  if (const Candidates* const some = candidates_of(target.parameter); scored && some)
    choice.squares = some->squares(target.parameter.grad(), full);
  if (choice.squares > 0) choice.captured = squares_of(chosen.gather(ranked)) / choice.squares;
  if (const auto share = shares_.find(target.name); scored && share != shares_.end()) {  // of candidates
    choice.selection = target.parameter.trains().part_of(chosen);
    if (share->second > 0) choice.squares /= share->second;
    choice.captured *= share->second;
  }
  if (keep_gradients_) choice.gradient = gradient;
  return choice;
}

void SelectingMethod::prepare(engine::Module& model, const NextLoss& next_loss) {
  const std::vector<NamedParameter> all = engine::parameters(model), targets = pool(model);
  options_.units.check_fits(targets);
  selected_.snapshots.clear();
  const bool scored = needs_gradient() && next_loss;
  const auto start = std::chrono::steady_clock::now();
  if (scored) score(model, targets, next_loss);
  if (scored) check_some_gradient(targets, options_.scoring);
  selected_.score_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::vector<Choice> choices;
  for (const NamedParameter& p : targets) {
    choices.push_back(choose(p, scored));
    p.parameter.freeze();  // lets the dense gradient go
  }
  selected_.choices = std::move(choices);

  train_head_only(model);
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i].parameter.train(selected_.choices[i].selection);
  for (const NamedParameter& p : all) {  // whole, a target or not
    if (options_.train_bias && !engine::in_head(p.name) && is_linear_bias(p.name, all))
      p.parameter.train(Selection::all());
  }
}

std::vector<OptionInfo> target_options(const std::string& train_bias) {
  return {{"targets", "GLOB,...", "", "parameters to choose from", "every weight matrix but the head's"},
          {"train-bias", "", train_bias, "train every bias too, except those of norms"}};
}

std::vector<OptionInfo> scoring_options(const std::string& loss, const std::string& batches,
                                        const std::string& train_bias) {
  return joined({{{"score", "supcon|ce", loss,
                   "loss whose gradients are the scores: supervised contrastive or cross entropy"},
                  {"temperature",
                   "X",
                   "0.07",
                   "temperature of the supervised contrastive loss",
                   "",
                   {{"score", {"supcon"}, "cross entropy has no temperature"}}},
                  {"score-batches", "all|N|auto", batches,
                   "batches to score on: one epoch, the first N, or until the selection is stable (auto)"},
                  {"score-augment",
                   "none|simclr",
                   "simclr",
                   "augmentation that makes the two views of the contrastive loss",
                   "",
                   {{"score", {"supcon"}, "cross entropy scores one view, with --augment"}}},
                  {"score-image-size", "N", "0", "image size for scoring; 0: the size for training"},
                  {"score-classes", "N", "0", "score on images of the first N classes only; 0: of all"}},
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
  engine::check(options.candidates == 0 || !options.scoring.until_stable,
                "--score-candidates cannot go with --score-batches auto, which looks at whole gradients");
  return options;
}

SelectingMethod::Options read_scoring(const OptionValues& values, const Units& units) {
  static const std::vector<std::string> kLosses{"supcon", "ce"}, kViews{"none", "simclr"};
  SelectingMethod::Options options = read_targets(values, units);
  options.scoring.loss = values.choice("score", kLosses) == 0 ? Scoring::Loss::supcon : Scoring::Loss::ce;
  options.scoring.temperature = values.positive("temperature");
  const std::string& batches = values.text("score-batches");
  options.scoring.until_stable = batches == "auto";
  options.scoring.batches = batches == "all" || batches == "auto" ? 0 : values.integer("score-batches", 1);
  options.scoring.image_size = values.integer("score-image-size", 0);
  options.scoring.classes = values.integer("score-classes", 0);
  options.scoring.augment = values.choice("score-augment", kViews) == 1;
  return options;
}

}  // namespace peft
