#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/nn/roles.h"
#include "engine/optim/optimizer.h"
#include "peft/selection/score.h"

namespace peft {

/// What a method chose in one parameter, and how important that is.
struct Choice {
  std::string parameter;
  engine::Selection selection;
  std::vector<float> scores;  ///< of every unit, in the selection's order
  double squares = 0;         ///< the sum of the squares of the parameter's importance
  double captured = 0;        ///< the share of them that the selection holds
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
  std::function<engine::Tensor()> loss;  ///< of the step's first batch, computed again at every call
  engine::Optimizer& optimizer;
};

/// A stretch of training with a schedule of its own.
struct Stage {
  engine::Index steps;
  double lr_factor = 1;  ///< of the rates of its schedule
};

/// Plain facts about a method with its options, whatever the model.
struct MethodTraits {
  /// Nothing but the head ever trains, so that features of the backbone can be computed once.
  bool trains_head_only = false;
  /// False: during training it may select other parameters than it has moved already, so that the values of
  /// an earlier step cannot be put back.
  bool selection_is_fixed = true;
  /// How many parameters train, and which modules are added, cannot be known without images.
  bool count_depends_on_data = false;
  /// It chooses what trains, by gradients, values or chance, so that it can be said from what (limit_to()).
  bool chooses = false;
  /// What it does in a step depends on how many there will be.
  bool depends_on_steps = false;
  /// Before the first step the model computes what the base does, up to rounding.
  bool starts_as_base = true;
  /// What it trains can be written into the base's own parameters.
  bool merges = true;
  /// Every parameter trains at some time, even where prepare() trains few.
  bool all_train_later = false;
  /// How many copies of all weights it holds at a time, beside what training takes.
  engine::Index weight_copies = 0;
};

/// A fine-tuning method decides which parameters of a model train, and may add modules to it. Its life, in
/// the order of the calls (to train, only 1, 4 and 6 are needed):
///
///   1. make_method()   reads and checks the options (peft/methods.h). traits() holds from here on;
///   limit_to()
///                      may be called here.
///   2. check_model()   refuses options that do not fit the model, before any image is read.
///   3. scoring()       names the losses that prepare() will draw, or that it draws none.
///   4. prepare()       attaches modules, draws the losses, chooses, and sets what trains; choices(),
///                      snapshots() and score_seconds() report on it.
///   5. stages()        splits the training into stretches with a schedule each.
///   6. begin_step()    before every step, may choose again. The caller runs the forward and backward passes,
///      regularize()    is called once after them all, and the optimizer moves.
///   7. moved()         between any two steps: what a delta must hold; a checkpoint adds state().
///   8. restore()       replaces 4 in a run that resumes; attach() alone makes a model take a delta.
class Method {
 public:
  virtual ~Method() = default;

  virtual MethodTraits traits() const { return {}; }

  /// Has a method that chooses choose from these layers alone, where a share is then a share of them. What it
  /// trains without a choice (the head, and every bias with --train-bias) is left to the caller.
  void limit_to(const engine::LayerRange& layers) { layers_ = layers; }
  /// What it chooses from; nothing for a method that does not choose.
  virtual std::vector<engine::NamedParameter> pool(engine::Module&) const { return {}; }

  /// Throws an Error when the options do not fit the model: a target that matches nothing, a k that is too
  /// large.
  virtual void check_model(engine::Module&) const {}
  /// How `next_loss` is to be made; nullptr when the method does not score.
  virtual const Scoring* scoring() const { return nullptr; }
  /// Makes prepare() keep the accumulated gradients in choices(). Throws an Error when they never exist
  /// whole.
  void keep_gradients();

  /// Adds its modules and sets what trains. A method that scores draws losses until there are none; one that
  /// does not draws none. With no `next_loss` every score is 0, so that ties decide: enough to count.
  virtual void prepare(engine::Module& model, const NextLoss& next_loss) = 0;
  /// What the last prepare() chose, for a method that ranks.
  const std::vector<Choice>& choices() const { return selected_.choices; }
  /// What fewer batches would have chosen, where scoring took snapshots of the choice on the way.
  const std::vector<Snapshot>& snapshots() const { return selected_.snapshots; }
  /// Seconds the last prepare() spent on scoring, computing the losses included.
  double score_seconds() const { return selected_.score_seconds; }

  /// The stretches a training of that many steps falls into.
  virtual std::vector<Stage> stages(engine::Index steps) const { return {{steps}}; }
  /// Called before every step; a method whose selection changes during training changes it here.
  virtual void begin_step(engine::Module&, const Step&) {}
  /// Adds the gradient of the method's penalty to the gradients and returns the penalty. Called once a step,
  /// after the backward passes of all its batches.
  virtual double regularize(const std::vector<engine::NamedParameter>&) { return 0; }

  /// The parts that may differ from the base by now: a delta holds them. What trains, unless a method
  /// freezes parameters it has moved.
  virtual PartsByName moved(engine::Module& model) const;
  /// What a run that resumes needs beside the values and the selection, in tensors.
  virtual engine::NamedTensors state() const { return {}; }

  /// Sets what trains as an earlier run of the same model left it, and takes back its state(). The
  /// parameters must hold the values they had before the first step.
  virtual void restore(engine::Module& model, const PartsByName& trained,
                       const engine::NamedTensors& state = {});
  /// Adds the modules the method trains beside the model's own, where they are not there yet. `stored` are
  /// the names of the parameters in a file that is to be read into the model; a method whose modules depend
  /// on the images finds in them which ones it had added.
  virtual void attach(engine::Module&, const std::set<std::string>& /*stored*/ = {}) {}

 protected:
  struct Selected {
    std::vector<Choice> choices;
    std::vector<Snapshot> snapshots;
    double score_seconds = 0;
  };
  Selected selected_;  ///< by the last prepare()
  bool keep_gradients_ = false;
  engine::LayerRange layers_;  ///< of limit_to()
};

/// What trains in the model now.
PartsByName trained_parts(engine::Module& model);

/// Trains these parts and freezes all else. A part that trains already is left as it is, so that its
/// optimizer state goes on.
void train_only(engine::Module& model, const PartsByName& parts);

/// Freezes everything but the head, which trains as a whole.
void train_head_only(engine::Module& model);

}  // namespace peft
