#pragma once

#include "peft/method.h"
#include "peft/selection/units.h"

namespace peft {

/// A method that ranks the units of every target parameter by importance and trains the top ones. By default
/// the accumulated gradient is the importance; a method that ranks by something else overrides it.
class SelectingMethod : public Method {
 public:
  struct Options {
    Scoring scoring;
    std::vector<std::string> targets;  ///< patterns; empty for every weight matrix but the head's
    bool train_bias = false;           ///< every bias but the norms' trains too
    Units units;
    engine::Index sketch = 0;      ///< mixtures that stand for every row or column; 0: the exact gradient
    engine::Index candidates = 0;  ///< elements kept, as a multiple of those chosen; 0: all
    std::uint64_t seed = 0;        ///< of the mixtures
  };
  explicit SelectingMethod(Options options);

  MethodTraits traits() const override { return {.chooses = true}; }
  std::vector<engine::NamedParameter> pool(engine::Module& model) const override;
  void prepare(engine::Module& model, const NextLoss& next_loss) override;
  void check_model(engine::Module& model) const override;
  const Scoring* scoring() const override { return needs_gradient() ? &options_.scoring : nullptr; }

 protected:
  /// False for a method that needs no images.
  virtual bool needs_gradient() const { return true; }
  /// Called when the gradients of the targets hold what was accumulated over all batches, and with what gave
  /// their losses: for a method whose importance() needs more than that.
  virtual void after_scoring(const std::vector<engine::NamedParameter>&, const NextLoss&) {}
  /// The importance of every entry, shaped like the parameter. Elements rank by its magnitude, rows and
  /// columns by its sum of squares.
  virtual engine::Tensor importance(const engine::NamedParameter& target, const engine::Tensor& gradient);
  const Options& options() const { return options_; }

 private:
  /// Accumulates over the batches, in the gradients of the targets, what importance() is made of.
  void score(engine::Module& model, const std::vector<engine::NamedParameter>& targets,
             const NextLoss& next_loss);
  /// What was accumulated for a target, whole; zeros when nothing was, and empty for a method without images.
  engine::Tensor gradient_of(const engine::NamedParameter& target, bool scored) const;
  Choice choose(const engine::NamedParameter& target, bool scored);
  Options options_;
  std::map<std::string, double> shares_;  ///< see rescore_finalists()
};

/// The options every scoring method has, with its own default loss, batches and train-bias.
std::vector<OptionInfo> scoring_options(const std::string& loss, const std::string& batches,
                                        const std::string& train_bias);
/// Those of a method that needs no images.
std::vector<OptionInfo> target_options(const std::string& train_bias);
/// Both, with the units.
SelectingMethod::Options read_scoring(const OptionValues& values, const Units& units);
/// read_scoring() for single elements, with --score-candidates.
SelectingMethod::Options read_element_scoring(const OptionValues& values, const Units& units);
SelectingMethod::Options read_targets(const OptionValues& values, const Units& units);

/// Throws an Error when all that was accumulated is zero: ties alone would choose.
void check_some_gradient(const std::vector<engine::NamedParameter>& targets, const Scoring& scoring);

}  // namespace peft
