#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "peft/score.h"

namespace peft {

/// What a method chose in one parameter, and how strong it was.
struct Choice {
  std::string parameter;
  engine::Selection selection;
  std::vector<float> scores;  ///< of every unit, in the selection's order
  double squares = 0;         ///< the sum of the gradient's squares
  double energy = 0;          ///< the share of them that was taken
  engine::Tensor gradient;    ///< the accumulated gradient, when it was asked for
};

/// A fine-tuning method decides which numbers of a model train.
class Method {
 public:
  virtual ~Method() = default;

  /// Sets what trains. A method that scores draws losses until there are none; one that does not draws none.
  /// With no `next_loss` every score is 0, so that ties decide: enough to count.
  virtual void prepare(engine::Module& model, const NextLoss& next_loss) = 0;
  /// Throws an Error when the options do not fit the model: a target that matches nothing, a k that is too
  /// large.
  virtual void check_model(engine::Module&) const {}
  /// Sets what trains as an earlier prepare() of the same model left it, for a run that goes on. The
  /// parameters must hold the values they had then.
  virtual void restore(engine::Module& model, const std::map<std::string, engine::Selection>& trained);
  /// How `next_loss` is to be made; nullptr when the method does not score.
  virtual const Scoring* scoring() const { return nullptr; }
  /// What was chosen by the last prepare().
  virtual const std::vector<Choice>& choices() const;
  /// Seconds the last prepare() spent on scoring, the making of the losses included.
  virtual double score_seconds() const { return 0; }
  /// Keeps the accumulated gradients in choices(), for whoever wants to look.
  virtual void keep_gradients() {}

  /// Adds the gradient of the method's penalty to the gradients and returns the penalty. Called after every
  /// backward pass of the loss.
  virtual double regularize(const std::vector<engine::NamedParameter>&) { return 0; }
};

/// Freezes everything but the head, which trains as a whole.
void train_head_only(engine::Module& model);

/// A method that scores target parameters by accumulated gradients and trains a part of each.
class SelectingMethod : public Method {
 public:
  struct Options {
    Scoring scoring;
    std::vector<std::string> targets;  ///< patterns; empty for every weight matrix but the head's
    bool train_bias = false;           ///< every bias but the norms' trains too
  };
  explicit SelectingMethod(Options options) : options_(std::move(options)) {}

  void prepare(engine::Module& model, const NextLoss& next_loss) override;
  void check_model(engine::Module& model) const override;
  const Scoring* scoring() const override { return &options_.scoring; }
  const std::vector<Choice>& choices() const override { return choices_; }
  double score_seconds() const override { return score_seconds_; }
  void keep_gradients() override { keep_gradients_ = true; }

 protected:
  /// The part of a parameter that trains, from its accumulated gradient. Pure.
  virtual engine::Selection select(const engine::Tensor& gradient) const = 0;
  /// Throws an Error when the options ask for more than every target has.
  virtual void check_targets(const std::vector<engine::NamedParameter>&) const {}

 private:
  Options options_;
  std::vector<Choice> choices_;
  bool keep_gradients_ = false;
  double score_seconds_ = 0;
};

}  // namespace peft
