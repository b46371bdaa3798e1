#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/optim/optimizer.h"
#include "peft/selection/score.h"

namespace peft {

/// What a method chose in one parameter, and how strong it was.
struct Choice {
  std::string parameter;
  engine::Selection selection;
  std::vector<float> scores;  ///< of every unit, in the selection's order
  double squares = 0;         ///< the sum of the squares of what was ranked
  double energy = 0;          ///< the share of them that was taken
  engine::Tensor gradient;    ///< the accumulated gradient, when it was asked for
};

/// Parts of parameters by name.
using PartsByName = std::map<std::string, engine::Selection>;

/// A training step that is about to begin.
struct Step {
  engine::Index number;                  ///< from 0
  engine::Index steps;                   ///< of the run
  engine::Index per_epoch;               ///< steps
  double lr;                             ///< of this step
  std::function<engine::Tensor()> loss;  ///< of the step's first batch, computed anew at every call
  engine::Optimizer& optimizer;
};

/// A stretch of training with a schedule of its own.
struct Stage {
  engine::Index steps;
  double lr_factor = 1;  ///< of the rates of its schedule
};

/// A fine-tuning method decides which numbers of a model train, and may add modules to it.
class Method {
 public:
  virtual ~Method() = default;

  /// Adds the modules the method trains beside the model's own, where they are not there yet. `stored` are
  /// the names of the parameters in a file that is to be read into the model; a method whose modules depend
  /// on the images finds in them which ones it had added.
  virtual void attach(engine::Module&, const std::set<std::string>& /*stored*/ = {}) {}
  /// Adds its modules and sets what trains. A method that scores draws losses until there are none; one that
  /// does not draws none. With no `next_loss` every score is 0, so that ties decide: enough to count.
  virtual void prepare(engine::Module& model, const NextLoss& next_loss) = 0;
  /// Throws an Error when the options do not fit the model: a target that matches nothing, a k that is too
  /// large.
  virtual void check_model(engine::Module&) const {}
  /// How `next_loss` is to be made; nullptr when the method does not score.
  virtual const Scoring* scoring() const { return nullptr; }
  /// The form in which the gradient of a parameter it chooses from is summed up: whole, mixed or folded.
  virtual engine::Selection scored_form(const engine::NamedParameter&) const { return {}; }
  /// What was chosen by the last prepare().
  virtual const std::vector<Choice>& choices() const;
  /// How that choice came about, where scoring looked at it on the way.
  virtual const std::vector<Look>& looks() const;
  /// Seconds the last prepare() spent on scoring, the making of the losses included.
  virtual double score_seconds() const { return 0; }
  /// Keeps the accumulated gradients in choices(), for whoever wants to look. Throws an Error when they are
  /// not summed up whole.
  virtual void keep_gradients() {}

  /// What it needs memory for beside what trains after prepare().
  struct ExtraMemory {
    engine::Index copies = 0;  ///< of all weights, held at a time
    bool all_train = false;    ///< every number trains later
  };
  virtual ExtraMemory extra_memory() const { return {}; }
  /// The stretches a training of that many steps falls into.
  virtual std::vector<Stage> stages(engine::Index steps) const { return {{steps}}; }
  /// Called before every step; a method whose selection changes while training changes it here.
  virtual void begin_step(engine::Module&, const Step&) {}
  /// Adds the gradient of the method's penalty to the gradients and returns the penalty. Called once a step,
  /// behind the backward passes of all its batches.
  virtual double regularize(const std::vector<engine::NamedParameter>&) { return 0; }

  /// False for a method that may choose other numbers while training than it has moved already: the numbers
  /// of an earlier step cannot be put back then.
  virtual bool steady() const { return true; }
  /// True when how many numbers train depends on the images, so that nothing can be counted without them.
  virtual bool counts_by_images() const { return false; }
  /// The numbers that may differ from the base by now: a delta holds them. What trains, unless a method
  /// lets go of numbers it has moved.
  virtual PartsByName moved(engine::Module& model) const;
  /// What a run that goes on needs beside the numbers and the selection, in tensors.
  virtual engine::State state() const { return {}; }
  /// Sets what trains as an earlier run of the same model left it, and takes back its state(). The
  /// parameters must hold the values they had before the first step.
  virtual void restore(engine::Module& model, const PartsByName& trained, const engine::State& state = {});
};

/// What trains in the model now.
PartsByName trained_parts(engine::Module& model);

/// Trains these parts and freezes all else. A part that trains already is left as it is, so that its
/// optimizer state goes on.
void train_only(engine::Module& model, const PartsByName& parts);

/// Freezes everything but the head, which trains as a whole.
void train_head_only(engine::Module& model);

}  // namespace peft
