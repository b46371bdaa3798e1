#pragma once

#include "peft/method.h"
#include "peft/selection/units.h"

namespace peft {

/// A method that ranks the units of every target parameter and trains the strongest. By default the
/// accumulated gradient is what is ranked; a method that ranks something else says what.
class SelectingMethod : public Method {
 public:
  struct Options {
    Scoring scoring;
    std::vector<std::string> targets;  ///< patterns; empty for every weight matrix but the head's
    bool train_bias = false;           ///< every bias but the norms' trains too
    Units units;
    engine::Index sketch = 0;      ///< mixtures that stand for every row or column; 0: the whole gradient
    engine::Index candidates = 0;  ///< elements held, as a multiple of those chosen; 0: all
    std::uint64_t seed = 0;        ///< of the mixtures
  };
  explicit SelectingMethod(Options options);

  void prepare(engine::Module& model, const NextLoss& next_loss) override;
  void check_model(engine::Module& model) const override;
  const Scoring* scoring() const override { return needs_gradient() ? &options_.scoring : nullptr; }

 protected:
  /// False for a method that looks at no image.
  virtual bool needs_gradient() const { return true; }
  /// Sums up over the batches, into the gradients of the targets, what strength() is made of.
  virtual void score(engine::Module& model, const std::vector<engine::NamedParameter>& targets,
                     const NextLoss& next_loss);
  /// What is ranked, shaped like the parameter: by magnitude, or in rows and columns by the sum of squares.
  virtual engine::Tensor strength(const engine::NamedParameter& target, const engine::Tensor& gradient);
  const Options& options() const { return options_; }

 private:
  /// Those of `next_loss` that scoring takes.
  NextLoss losses(const std::vector<engine::NamedParameter>& targets, const NextLoss& next_loss);
  /// What was summed up for a target, whole; zeros when nothing was, and empty for who looks at no image.
  engine::Tensor gradient_of(const engine::NamedParameter& target, bool scored) const;
  Choice choose(const engine::NamedParameter& target, bool scored);
  Options options_;
  std::map<std::string, double> shares_;  ///< see look_closer()
};

/// The options every scoring method has, with its own standard loss, batches and train-bias.
std::vector<OptionInfo> scoring_options(const std::string& loss, const std::string& batches,
                                        const std::string& train_bias);
/// Those of a method that looks at no image.
std::vector<OptionInfo> target_options(const std::string& train_bias);
/// Both, with the units.
SelectingMethod::Options read_scoring(const OptionValues& values, const Units& units);
/// read_scoring() for single elements, with --score-candidates.
SelectingMethod::Options read_element_scoring(const OptionValues& values, const Units& units);
SelectingMethod::Options read_targets(const OptionValues& values, const Units& units);

/// Throws an Error when all that was summed up is zero: ties alone would choose.
void check_some_gradient(const std::vector<engine::NamedParameter>& targets, const Scoring& scoring);

}  // namespace peft
