#pragma once

#include <limits>

#include "data/loader.h"
#include "tools/training/checkpoint.h"
#include "tools/training/events.h"
#include "tools/training/prefix/activations.h"
#include "tools/training/run.h"
#include "tools/training/train_config.h"

namespace training {

/// A loss, a gradient or a weight is not finite. Names the step and its images.
struct Diverged : engine::Error {
  using engine::Error::Error;
};

/// The training loop: forward, backward, penalty, clip, step, average; and evaluation on val between epochs.
class Trainer {
 public:
  /// Trains what the method of `run` has set to train; the run must outlive the trainer. The images
  /// of `known` activations are not read.
  explicit Trainer(Run& run, const TrainConfig& config, Events events = {}, KnownActivations known = {});

  /// Takes back what a checkpoint holds beside the weights, which Checkpoint::restore() has put in the model.
  /// Throws an Error that names what does not fit the run.
  void resume(const Checkpoint& checkpoint);
  /// True when all steps are done and evaluated.
  bool is_finished() const { return state_.step == steps_ && state_.evaluated == steps_; }
  /// Trains to the end and leaves in the model the weights to keep: the averages with `ema`, the best on val
  /// with `keep` = best. Hands a state to on_checkpoint after every epoch, or every `save_every` steps. Once
  /// Events::stop is true it hands out the state after the step in hand and throws Stopped. Throws Diverged
  /// when a loss, a gradient or a weight is not finite; no state that was handed out has such a weight.
  ///
  /// Before its end it pauses once `pause_at` steps are done, which must be the end of an epoch: val is
  /// evaluated there, whether or not that is due, and the state handed out. What goes on from it gets the
  /// bits of a run without the pause. A run that is beyond it pauses at once.
  void train(Index pause_at = kNoPause);
  static constexpr Index kNoPause = std::numeric_limits<Index>::max();
  /// Steps that are done.
  Index step() const { return state_.step; }
  /// Hands the present state to on_checkpoint.
  void save() const;
  /// The epoch, from 0, that the last step belongs to.
  Index last_epoch() const { return epoch_steps_.epoch_of(steps_ - 1); }

 private:
  struct Loss {
    double loss = 0, penalty = 0;
  };
  double rate_at(Index step) const;
  Loss gradients(Index step, Index epoch, std::vector<std::string>& images);
  void stop_unless_finite(Index step, double value, const std::string& what,
                          const std::vector<std::string>& images);
  /// The first parameter whose gradient is not finite, as " of NAME".
  std::string bad_gradient() const;
  [[noreturn]] void diverged(const std::string& complaint, const std::vector<std::string>& images) const;
  /// Nothing that is known hangs on what trains now.
  void check_known() const;
  double take_step(Index step, Index epoch);  ///< the loss
  void train_epoch(Index epoch, ProgressReport& progress);
  /// True after the last step of an epoch that was not yet evaluated.
  bool evaluation_is_due() const;
  void finish_epoch(Index epoch, bool pauses);
  void evaluate_val(Index epoch, bool due);
  void check_best(
      const std::string& who) const;  ///< the weights that a checkpoint calls the best are those of this run
  bool is_sound() const;              ///< all values that train are finite
  void keep_best(double top1);
  void put_back_best();

  models::Vit& model_;
  const LoadedModel& loaded_;
  peft::Method& method_;
  const data::Splits& splits_;
  TrainConfig config_;
  Events events_;
  KnownActivations known_;
  data::Loader loader_;
  EpochSteps epoch_steps_;
  Index steps_;  ///< of the whole run
  struct Stage {
    Index first;
    engine::Schedule schedule;
  };
  std::vector<Stage> stages_;  ///< in order
  std::vector<engine::NamedParameter> parameters_;
  std::unique_ptr<engine::Optimizer> optimizer_;
  std::vector<double> class_weights_;  // of the loss; empty: none
  std::optional<engine::Ema> ema_;
  RunState state_;
  bool selection_changed_ = false;  ///< of what trains, for the step in hand
  std::string last_top1_;           ///< on val, for people
};

}  // namespace training
